"""How the scripts start: flags, lists, one-line errors."""
