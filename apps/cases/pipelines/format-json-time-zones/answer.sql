SELECT id, strftime('%Y-%m-%dT%H:%M', written) AS minute, CAST(round(unixepoch(written, 'subsec') * 1000) AS INTEGER) AS ms FROM moments;
