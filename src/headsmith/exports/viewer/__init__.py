"""The page in which a person turns an avatar and moves its face: template, style and script, put together by ``page``."""
