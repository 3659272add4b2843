-- What every script begins with that appends to a chain: how arguments are read, answers packed, rows written.

local position = 0
local function next_argument()
  position = position + 1
  return ARGV[position]
end

local function answer(...)
  local fields = { ... }
  for i, field in ipairs(fields) do
    field = tostring(field)
    fields[i] = #field .. ':' .. field
  end
  return table.concat(fields)
end

local function whole(number)
  return string.format('%.0f', number)
end

local PAGE_ROWS = 128 -- as in pages.rs

-- One row of a chain, whose keys begin with `chain`: in the order of all rows, and among those of its account.
local function append(chain, rows, line, account, own_rows, own_line)
  redis.call('XADD', chain .. 'journal', whole(rows) .. '-0', 'r', line)
  redis.call('XADD', chain .. 'j:' .. account, whole(own_rows) .. '-0', 'r', own_line)
  if own_rows % PAGE_ROWS == 0 then
    redis.call('SADD', chain .. 'full', account)
  end
end

-- Rows of the audit trail, from the arguments: account, digest, text and personal part of each. What is personal stands
-- among the account's own rows only.
local function append_trail(prefix, commits, now, entries)
  if entries == 0 then
    return
  end
  local chain = prefix .. 'trail:'
  local books = redis.call('HMGET', chain .. 'books', 'rows', 'at')
  local rows, at = tonumber(books[1] or '0'), whole(math.max(now, tonumber(books[2] or '0')))
  for place = 1, entries do
    local account, digest, text, personal = next_argument(), next_argument(), next_argument(), next_argument()
    local own_rows = redis.call('HINCRBY', chain .. 'b:' .. account, 'rows', 1)
    rows = rows + 1
    local words = { whole(rows), whole(commits), whole(place - 1), at, account, whole(own_rows), digest, text }
    local line = table.concat(words, ' ')
    append(chain, rows, line, account, own_rows, personal == '' and line or line .. '\t' .. personal)
    if own_rows == 1 then
      redis.call('ZADD', chain .. 'accounts', 0, account)
    end
  end
  redis.call('HSET', chain .. 'books', 'rows', whole(rows), 'at', at)
end
