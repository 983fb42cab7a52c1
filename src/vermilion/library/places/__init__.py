"""Where files lie, as an admin sees and changes it: settings, the connection test, moving files."""
