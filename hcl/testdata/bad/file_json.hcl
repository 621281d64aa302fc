{"job": {"orders": {"password": "hunter2"}}}
