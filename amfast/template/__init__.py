"""Go templates: the language of notification texts, its functions and its default templates."""
