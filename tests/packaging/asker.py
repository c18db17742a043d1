#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sends orders on some connections until SIGTERM, and takes nothing but "created" for an answer. Prints what came of it.

    asker.py CERTIFICATE TOKEN PREFIX
"""
import http.client
import json
import signal
import ssl
import sys
import threading
import time

over = threading.Event()
answered: list[str] = []
failed: list[str] = []


def send(number: int, certificate: str, token: str, prefix: str) -> None:
    context = ssl.create_default_context(cafile=certificate)
    connection = http.client.HTTPSConnection("localhost", 443, timeout=30, context=context)
    count = 0
    while not over.is_set():
        count += 1
        name = f"{prefix}{number}-{count}"
        body = json.dumps({"event_type": "order.created", "timestamp": "2026-03-14T09:12:41+03:00", "payload": {
            "originalOrderId": name, "storeID": "1207", "positions": [
                {"id": "100245871", "originalQuantity": 2, "quantity": 2, "price": "89.90", "discountPrice": "79.90",
                 "weight": "", "totalPrice": "179.80", "totalDiscountPrice": "159.80"}]}})
        try:
            connection.request("POST", "/sbermarket/orders/hook/", body,
                               {"Client-Token": token, "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status == 200 and '"created"' in text:
                answered.append(name)
            else:
                failed.append(f"{name}: {answer.status} {text}")
        except (OSError, http.client.HTTPException) as problem:
            failed.append(f"{name}: {problem!r}")
            connection.close()
        time.sleep(0.01)


signal.signal(signal.SIGTERM, lambda *_: over.set())
threads = [threading.Thread(target=send, args=(number, *sys.argv[1:4])) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"answered": answered, "failed": failed}))
