-- What a sealer does next, for one sealer at a time: the rows of the next page of the chain, and an account whose next
-- page is full. It gives the lease back where there is nothing to do. Which rows the next page is made of is decided here
-- once, and holds until the head has moved: a store knows no write that refuses to replace, so whoever slept through the
-- lease must write the same bytes as whoever came after.
--
-- KEYS[1]  `{…}:books` (see rows.lua); `planned` is the number of a page and the last row that it may have
-- ARGV     the prefix of the chain, the sealer's token, its lease in ms, how many rows a page has at least, how many to
--          read, the key that says whether the data is frozen, the age in ms from which on fewer rows are a page too
-- Answer   fields, each as `<length>:<bytes>`: `frozen`, `busy`, or `go`; then how many pages there are, how many rows
--          are in them, the digest of the last one, an account (or empty), how many of its rows are in pages, how often
--          they were shredded, how many lines follow for the chain, those, and the lines of the account's next page.

local prefix, token, lease_ms, least, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local age_ms = tonumber(ARGV[7])
local function answer(fields)
  for i, field in ipairs(fields) do
    field = tostring(field)
    fields[i] = #field .. ':' .. field
  end
  return table.concat(fields)
end

if redis.call('EXISTS', ARGV[6]) == 1 then
  return answer({ 'frozen' })
end
if not redis.call('SET', prefix .. 'sealer', token, 'PX', lease_ms, 'NX') and redis.call('GET', prefix .. 'sealer') ~= token then
  return answer({ 'busy' })
end

local books = redis.call('HMGET', KEYS[1], 'rows', 'pages', 'sealed', 'digest', 'planned')
local rows, sealed = tonumber(books[1] or '0'), books[3] or '0'
local fields = { 'go', books[2] or '0', sealed, books[4] or '', '', '0', '0', '0' }
local open = rows - tonumber(sealed)
local page, planned = string.match(books[5] or '', '^(%d+) (%d+)$')
if page ~= fields[2] then
  planned = nil
end
local is_due = open >= least or planned
if not is_due and open > 0 then
  -- Few rows, of which the first is old. The fourth word of a line is its moment.
  local first = redis.call('XRANGE', prefix .. 'journal', '(' .. sealed .. '-0', '+', 'COUNT', 1)[1]
  local at = first and tonumber(string.match(first[2][2], '^%d+ %d+ %d+ (%d+) '))
  local time = redis.call('TIME')
  is_due = at and tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - at >= age_ms
end
if is_due then
  local upto = planned and planned .. '-0' or '+'
  local journal = redis.call('XRANGE', prefix .. 'journal', '(' .. sealed .. '-0', upto, 'COUNT', most)
  -- All of few rows, or none: an entry that is cut off is no page.
  if planned or open >= least or #journal == open then
    for _, row in ipairs(journal) do
      fields[#fields + 1] = row[2][2]
    end
    if not planned and #journal > 0 then
      redis.call('HSET', KEYS[1], 'planned', fields[2] .. ' ' .. string.match(journal[#journal][1], '^%d+'))
    end
  end
  fields[8] = #fields - 8
end

local account = redis.call('SRANDMEMBER', prefix .. 'full')
if account then
  local found = redis.call('HMGET', prefix .. 'b:' .. account, 'paged', 'generation')
  local paged = found[1] or '0'
  fields[5], fields[6], fields[7] = account, paged, found[2] or '0'
  for _, row in ipairs(redis.call('XRANGE', prefix .. 'j:' .. account, '(' .. paged .. '-0', '+', 'COUNT', least)) do
    fields[#fields + 1] = row[2][2]
  end
end
if #fields == 8 and not account then
  -- Nothing to do: whoever shreds need not wait for the end of a lease that nobody uses.
  redis.call('DEL', prefix .. 'sealer')
end
return answer(fields)
