"""The modals with forms: one file a form, with its IDs, `build` and a typed `parse` side by side."""
