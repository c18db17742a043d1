-- wrk script: every connection thread walks over its own orders with in_work, assembled, ready_for_delivery, all accepted once.
-- Create the orders first:  curl -d '{"count":100000,"lines":1,"send":false}' http://127.0.0.1:PORT/_control/orders
-- Then:  wrk -t2 -c16 -d8s -s bench/notifications.lua http://127.0.0.1:PORT -- TOKEN FIRST_NUMBER ORDERS_PER_THREAD

local types = { "order.in_work", "order.assembled", "order.ready_for_delivery" }
local next_thread = 0

function setup(thread)
    thread:set("thread_number", next_thread)
    next_thread = next_thread + 1
end

function init(arguments)
    token = arguments[1]
    per_thread = tonumber(arguments[3])
    order = tonumber(arguments[2]) + thread_number * per_thread
    last = order + per_thread
    step = 0
    headers = { ["Client-Token"] = token, ["Api-Version"] = "3.0", ["Content-Type"] = "application/json" }
end

-- Connections run side by side, so that the three notifications of one order are a whole round of orders apart.
local round = 2000
local offset = 0

function request()
    local id = string.format("H%d", order + offset)
    local body = string.format('{"event":{"type":"%s","payload":{"order_id":"%s","order":{"originalOrderId":"%s","changed":false}}}}',
        types[step + 1], id, id)
    offset = offset + 1
    if offset == round then
        offset = 0
        step = step + 1
        if step == #types then
            step = 0
            order = order + round
            if order + round > last then
                wrk.thread:stop()
            end
        end
    end
    return wrk.format("POST", "/v1/notifications", headers, body)
end
