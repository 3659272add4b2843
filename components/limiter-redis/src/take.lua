-- Takes from every bucket or from none.
--
-- KEYS: a bucket each: a string that holds the moment at which it is full, in microseconds; absent when it is full.
-- ARGV: four numbers a bucket: how long a unit takes to flow in (us), how many it holds, how many to take at most, how
-- many come back. Answers "<by> <wait us>", by 0 where all gave, then " <taken> <remaining> <full in us>" a bucket.
--
-- The clock is that of Redis, so that all instances share one. Running it twice after a lost answer counts a request
-- twice; that costs a unit and no more, so the caller may repeat it.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local by, longest, full_at, there = 0, 0, {}, {}
for i = 1, #KEYS do
  local interval, units = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local capacity = interval * units
  local moment = tonumber(redis.call('GET', KEYS[i]) or '0') or 0
  -- No bucket is further from full than empty: a clock that was set back would lock its owner out.
  moment = math.max(math.min(moment, now + capacity) - interval * math.min(tonumber(ARGV[4 * i]), units), now)
  full_at[i], there[i] = moment, math.floor((now + capacity - moment) / interval)
  if there[i] < 1 then
    local wait = moment + interval - capacity - now
    if wait >= longest then by, longest = i, wait end
  end
end
local answer = { string.format('%d %.0f', by, longest) }
for i = 1, #KEYS do
  local interval, taken = tonumber(ARGV[4 * i - 3]), 0
  if by == 0 then
    taken = math.max(1, math.min(tonumber(ARGV[4 * i - 1]), there[i]))
    full_at[i] = full_at[i] + taken * interval
  end
  if full_at[i] > now then
    redis.call('SET', KEYS[i], string.format('%.0f', full_at[i]), 'PX', math.ceil((full_at[i] - now) / 1000))
  else
    redis.call('DEL', KEYS[i])
  end
  answer[i + 1] = string.format('%d %d %.0f', taken, there[i] - taken, full_at[i] - now)
end
return table.concat(answer, ' ')
