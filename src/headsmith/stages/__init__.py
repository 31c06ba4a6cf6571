"""The stages: one module each, one public function each, composed from the rooms below."""
