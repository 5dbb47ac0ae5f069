/** The five pipelines of the language's description, as JSON texts by name. */
export const pipelines: Readonly<Record<string, string>> = {
  "lightning-stream": `{ "name": "lightning-stream",
  "parameters": { "hour": { "type": "timestamp" } },
  "connections": { "noaa": { "type": "s3", "region": "us-east-1", "anonymous": true } },
  "sources": { "flashes": { "type": "files", "connection": "noaa",
      "url": "s3://noaa-goes18/GLM-L2-LCFA/\${param:hour|%Y/%j/%H}/", "format": { "type": "glm", "table": "flashes" } } },
  "transforms": { "series": { "type": "select", "from": "flashes",
      "columns": { "ts_date": "flash_time", "lat": "flash_lat", "lon": "flash_lon", "energy_j": "flash_energy" } } },
  "sinks": {
    "geospatial": { "type": "files", "from": "series", "url": "./out/geospatial/", "format": { "type": "parquet", "compression": "zstd" } },
    "csv":        { "type": "files", "from": "series", "url": "./out/csv/", "format": { "type": "csv", "header": true } },
    "db":         { "type": "duckdb", "from": "series", "path": "./out/lightning.duckdb", "table": "flashes" } },
  "run": { "trigger": "available-now", "checkpoint": "./out/.checkpoint" },
  "schedule": { "cron": "5 * * * *", "timeZone": "UTC" } }
`,
  "lightning-clusters": `{ "name": "lightning-clusters",
  "sources": { "flashes": { "type": "files", "url": "./data/glm/*.nc", "format": { "type": "glm", "table": "flashes" } } },
  "transforms": {
    "clean":    { "type": "filter", "from": "flashes", "where": "quality_flag = 0 AND flash_energy IS NOT NULL" },
    "clusters": { "type": "kmeans", "from": "clean", "columns": ["flash_lon", "flash_lat"], "clusterCount": 12, "initializations": 10, "iterationsMax": 100, "seed": 60 },
    "choice":   { "type": "select-k", "from": "clean", "columns": ["flash_lon", "flash_lat"], "clusterCounts": { "from": 2, "to": 23 } } },
  "sinks": {
    "labelled": { "type": "duckdb", "from": "clusters", "path": "./out/lightning.duckdb", "table": "cluster_analysis", "write": "replace" },
    "centroids": { "type": "files", "from": "clusters.centroids", "url": "./out/centroids/", "format": { "type": "parquet" } },
    "curve":    { "type": "files", "from": "choice", "url": "./out/choice/", "format": { "type": "parquet" } },
    "report":   { "type": "report", "from": { "points": "clusters", "choice": "choice" }, "path": "./out/report.html" } } }
`,
  "pv-facts": `{ "name": "pv-facts",
  "parameters": { "system": { "type": "integer" }, "from": { "type": "date" }, "to": { "type": "date" } },
  "connections": { "oedi": { "type": "s3", "region": "us-west-2", "anonymous": true }, "warehouse": { "type": "bigquery", "project": "\${env:GCP_PROJECT}" } },
  "sources": {
    "readings": { "type": "files", "connection": "oedi", "format": { "type": "parquet" },
                  "url": "s3://oedi-data-lake/pvdaq/parquet/pvdata/system_id=\${param:system}/year=*/month=*/day=*/", "partitions": { "range": ["\${param:from}", "\${param:to}"] } },
    "metrics":  { "type": "files", "connection": "oedi", "format": { "type": "parquet" }, "url": "s3://oedi-data-lake/pvdaq/parquet/metrics/metrics__system_\${param:system}__*", "role": "reference" } },
  "transforms": {
    "sensors": { "type": "filter", "from": "metrics", "where": "sensor_name IN ('dc_power', 'ac_power', 'poa_irradiance')" },
    "joined":  { "type": "join", "from": { "left": "readings", "right": "sensors" }, "on": ["metric_id"], "kind": "inner" },
    "facts":   { "type": "select", "from": "joined", "columns": { "ss_id": "system_id", "timestamp": "measured_on", "sensor": "sensor_name", "units": "nullif(raw_units, '')", "value": "value" } },
    "unique":  { "type": "deduplicate", "from": "facts", "keys": ["ss_id", "timestamp", "sensor"] } },
  "sinks": { "pv_data": { "type": "bigquery", "from": "unique", "connection": "warehouse", "table": "pv_oedi.pv_data", "write": "merge", "keys": ["ss_id", "timestamp", "sensor"],
                          "partitionBy": "DATE(timestamp)", "clusterBy": ["ss_id", "sensor"] } } }
`,
  "satellite-lake": `{ "name": "satellite-lake",
  "connections": { "broker": { "type": "kafka", "brokers": ["\${env:KAFKA:-127.0.0.1:9092}"] } },
  "sources": { "events": { "type": "kafka", "connection": "broker", "topic": "sat-data", "startAt": "earliest",
      "format": { "type": "flatbuffers", "schema": "./event.fbs", "root": "event.Event" }, "metadata": { "received_timestamp": "timestamp" } } },
  "sinks": { "raw": { "type": "delta", "from": "events", "url": "./data/delta-tables/satellite-data-raw", "compression": "snappy", "optimize": { "targetBytes": 134217728 } } },
  "run": { "trigger": { "everyMs": 5000 }, "checkpoint": "./data/checkpoints/satellite-lake" } }
`,
  "clicks-per-window": `{ "name": "clicks-per-window",
  "sources": { "clicks": { "type": "files", "url": "./data/json_files/*.json", "filesPerEpoch": 5, "format": { "type": "json", "layout": "array",
      "schema": { "datetime": "timestamp", "sales": { "quantity": "int32", "total_price": "float64" }, "analytics": { "clicks": "int32", "impressions": "int32" } } } } },
  "transforms": {
    "flat":    { "type": "flatten", "from": "clicks", "names": "leaf", "watermark": { "column": "datetime", "delay": "10 seconds" } },
    "windows": { "type": "aggregate", "from": "flat", "window": { "column": "datetime", "size": "30 seconds" },
                 "measures": { "clicks": "sum(clicks)", "impressions": "sum(impressions)", "quantity": "sum(quantity)", "total_price": "sum(total_price)" } } },
  "sinks": {
    "csv":     { "type": "files", "from": "flat", "url": "./data/csv_files/", "format": { "type": "csv", "header": true } },
    "parquet": { "type": "files", "from": "windows", "url": "./data/parquet_files/", "format": { "type": "parquet" }, "outputMode": "append" },
    "late":    { "type": "files", "from": "windows.late", "url": "./data/late/", "format": { "type": "json" } } },
  "run": { "trigger": { "everyMs": 5000 }, "checkpoint": "./data/checkpoints/clicks" } }
`,
};

/** What the pipelines need from outside. */
export const given = {
  parameters: {
    "lightning-stream": { hour: "2018-07-02T04:00:00Z" },
    "pv-facts": { system: "10", from: "2020-01-01", to: "2020-02-01" },
  } as Readonly<Record<string, Record<string, string>>>,
  environment: { GCP_PROJECT: "sunny" },
};
