"""Pictures for people: overlays, contact sheets, curves. Nothing that computes imports this room."""
