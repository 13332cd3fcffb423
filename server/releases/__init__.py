"""Which releases this process serves: loaded, checked, followed, let go."""
