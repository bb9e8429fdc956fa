-- Panels for Grafana's PostgreSQL source, over the tables that telegraf.conf makes. $__timeFilter is Grafana's own.

-- Time series: range of motion of each leg, results of low quality left out
SELECT time, device AS metric, rom_deg
FROM (SELECT DISTINCT ON (id) * FROM ankled_rep WHERE $__timeFilter(time) ORDER BY id, time) AS rep
WHERE quality >= 0.6
ORDER BY time;

-- Time series: the peak of the lateral force, mean of each minute
SELECT date_trunc('minute', time) AS time, device AS metric, avg(abs(lateral_force_peak_n)) AS force_n
FROM (SELECT DISTINCT ON (id) * FROM ankled_rep WHERE $__timeFilter(time) ORDER BY id, time) AS rep
GROUP BY 1, 2
ORDER BY 1;

-- Table: sets, the latest first
SELECT time, athlete, device, movement, "count", velocity_loss_percent, fatigue
FROM (SELECT DISTINCT ON (id) * FROM ankled_set WHERE $__timeFilter(time) ORDER BY id, time) AS done
ORDER BY time DESC;
