SELECT trip, strftime('%Y-%m-%dT%H:%M:%SZ', start, '+90 minutes') AS later, strftime('%Y-%m-%dT%H:%M:%SZ', start, '+1 day') AS next_month, strftime('%d.%m.%Y %H:%M', start) AS label FROM trips;
