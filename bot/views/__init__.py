"""What people see: outcomes to Block Kit. Pure: nothing here calls Slack."""
