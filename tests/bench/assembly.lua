-- wrk script: pickers at work. Every request is the next one for some order, out
-- of a mix of methods; all of them succeed, so that each is known to have been
-- done. A thread has orders of its own, and far more of them than connections:
-- an order never has two requests under way, and its version can be counted.
-- BENCH_STATE names what the store holds: "id version visit" of each order,
-- where the visit says which step comes next.
local PATH = "/sbermarket/orders/api/"
local THREADS = 2
local thread_count = 0
local prefix, run
local orders = {} -- of this thread
local versions, visits, scanned = {}, {}, {}
local counter = 0

function setup(thread)
  thread_count = thread_count + 1
  thread:set("thread_number", thread_count)
end

function init(args)
  run = tonumber(os.getenv("BENCH_RUN"))
  prefix = string.format("%d-%d-", run, thread_number)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Client-Token"] = os.getenv("BENCH_TOKEN")
  for line in io.lines(os.getenv("BENCH_STATE")) do
    local id, version, visit = line:match("(%d+) (%d+) (%d+)")
    id = tonumber(id)
    if id % THREADS + 1 == thread_number then
      table.insert(orders, id)
      versions[id], visits[id] = tonumber(version), tonumber(visit)
    end
  end
end

-- What a method asks for besides number, picker and version; and by how much
-- the version grows. No quantity comes twice, so that each of them changes its
-- line.
local function pick(line)
  return function(order, visit)
    return "pickPosition", string.format(',"line":%d,"quantity":%d,"reason":"other"', line,
      (run * 1000 + visit) % 8990 + 1), 1
  end
end

local steps = {
  pick(1), pick(2),
  function() return "getOrder", "", 0 end,
  pick(3),
  function() return "keepAlive", "", 0 end,
  function() return "scan", ',"code":"4600000000015"', 1 end,
  function() return "resetPosition", ',"line":12', 1 end,
  pick(4),
  function(order) return "getOrders", string.format(',"storeId":"s%d"', order % 190), 0 end,
  function() return "releaseOrder", "", 1 end,
  function() return "takeOrder", "", 1 end,
  pick(5),
}

function request()
  counter = counter + 1
  local order = orders[counter % #orders + 1]
  local visit = visits[order]
  local step = visit % #steps + 1
  visits[order] = visit + 1
  if step == 7 and not scanned[order] then -- nothing to take off yet
    step = 6
    visits[order] = visit
  end
  scanned[order] = step == 6
  local method, fields, growth = steps[step](order, visit)
  local body = string.format('{"requestId":"%s%d","requestData":{"number":"1-%06d","pickerId":"p","version":%d%s}}',
    prefix, counter, order, versions[order], fields)
  versions[order] = versions[order] + growth
  return wrk.format(nil, PATH .. method, nil, body)
end

function done(summary, latency, requests)
  io.write(string.format(
    "RESULT requests=%d seconds=%.3f status_errors=%d connect=%d read=%d write=%d timeout=%d p50=%.2f p99=%.2f max=%.2f\n",
    summary.requests, summary.duration / 1e6, summary.errors.status, summary.errors.connect,
    summary.errors.read, summary.errors.write, summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
