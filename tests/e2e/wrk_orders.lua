-- wrk script: every request is a new order, and the body of every 200 goes to a
-- file of its thread, line by line, so that what was acknowledged can be looked
-- for in the store. wrk starts this once per thread.
local thread_count = 0
local counter = 0
local prefix = ""
local acknowledged = nil
local pause_ms = 0

local body_before = '{"event_type":"order.created","timestamp":"2026-03-14T09:12:41+03:00","payload":{"originalOrderId":"'
local body_after = '","storeID":"1208","positions":[' ..
  '{"id":"100245871","originalQuantity":2,"quantity":2,"price":"89.90","discountPrice":"79.90","weight":"",' ..
  '"totalPrice":"179.80","totalDiscountPrice":"159.80"},' ..
  '{"id":"100318840","originalQuantity":1,"quantity":1,"price":"139.99","discountPrice":"119.99","weight":"1000",' ..
  '"totalPrice":"139.99","totalDiscountPrice":"119.99"}]}}'

function setup(thread)
  thread_count = thread_count + 1
  thread:set("thread_number", thread_count)
end

function init(args)
  prefix = string.format("W%d-", thread_number)
  pause_ms = tonumber(os.getenv("WRK_PAUSE_MS") or "0")
  acknowledged = assert(io.open(os.getenv("WRK_FOLDER") .. "/" .. thread_number, "w"))
  acknowledged:setvbuf("line")
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Client-Token"] = os.getenv("WRK_TOKEN")
end

function delay()
  return pause_ms
end

function request()
  counter = counter + 1
  return wrk.format(nil, nil, nil, body_before .. prefix .. string.format("%08d", counter) .. body_after)
end

function response(status, headers, body)
  if status == 200 then
    acknowledged:write(body, "\n")
  end
end

function done(summary, latency, requests)
  io.write(string.format("RESULT requests=%d status_errors=%d connect=%d read=%d write=%d timeout=%d p99_ms=%d\n",
    summary.requests, summary.errors.status, summary.errors.connect, summary.errors.read, summary.errors.write,
    summary.errors.timeout, latency:percentile(99) / 1000))
end
