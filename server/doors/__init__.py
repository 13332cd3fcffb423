"""A door for each kind of client; all of them lead to the desk."""
