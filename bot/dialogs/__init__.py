"""The dialogs that ask: one file a form, with its ids, `build` and a typed `parse` side by side."""
