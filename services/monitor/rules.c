/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include "base/macros.h"
#include "store/watch/monitor.h"

/* Marks a text for translation where it cannot be translated yet. */
#define N_(text) text

/* clang-format off */
const struct rule rules[] = {
	{
		.name = "order-late", .query = &monitor_order_late, .in_minutes = true,
		.title = N_("Order is late"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Deadline: {time}\n"
			   "State: {state}, late by {minutes} min"),
		.line = N_("{order}: {store}, deadline {time}"),
	},
	{
		.name = "order-not-taken", .query = &monitor_order_not_taken, .in_minutes = true,
		.title = N_("Order has not been taken"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Received: {time}, waits for {minutes} min"),
		.line = N_("{order}: {store}, received {time}"),
	},
	{
		.name = "notification-failed", .query = &monitor_notification_failed,
		.title = N_("Marketplace was not told"),
		.body = N_("Order {order} (no. {number})\n"
			   "Notification: {detail}\n"
			   "Reason: {reason}"),
		.line = N_("{order}: {detail}, {reason}"),
	},
	{
		.name = "breaker-open", .query = &monitor_breaker_open,
		.title = N_("Marketplace cannot be reached"),
		.body = N_("Address: {subject} ({state})\n"
			   "Since: {time}\n"
			   "Reason: {reason}"),
		.line = N_("{subject}: {state} since {time}"),
	},
	{
		.name = "inbox-quarantined", .query = &monitor_inbox_quarantined,
		.title = N_("Messages were not understood"),
		.body = N_("From: {subject} ({state})\n"
			   "Messages: {count}, the last one {time}\n"
			   "Reason: {reason}"),
		.line = N_("{subject}: {count}"),
	},
	{
		.name = "job-failing", .query = &monitor_job_failing,
		.title = N_("Job keeps failing"),
		.body = N_("Job: {subject}\n"
			   "Failed runs in a row: {count}, the last one {time}\n"
			   "Result: {detail}, {reason}"),
		.line = N_("{subject}: {detail}, {reason}"),
	},
	{
		.name = "telegram-backlog", .query = &monitor_telegram_backlog,
		.title = N_("Telegram messages pile up"),
		.body = N_("Waiting: {count}, the oldest since {time}"),
		.line = N_("Waiting: {count}, the oldest since {time}"),
	},
	{
		.name = "invoice-blocked", .query = &monitor_invoice_blocked,
		.title = N_("Invoice is blocked"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Reason: {reason}"),
		.line = N_("{order}: {reason}"),
	},
	{
		.name = "store-unknown", .query = &monitor_store_unknown,
		.title = N_("Order of an unknown store"),
		.body = N_("Store: {subject}\n"
			   "First order: {time}\n"
			   "It is worked on with the time zone Europe/Moscow until the store is imported."),
		.line = N_("{subject}: first order {time}"),
	},
	{
		.name = "product-unknown", .query = &monitor_product_unknown,
		.title = N_("Product is not in the catalogue"),
		.body = N_("SKU: {subject}\n"
			   "First order: {order} (no. {number}), {time}\n"
			   "The order is worked on; import the catalogue."),
		.line = N_("{subject}: order {order}"),
	},
};
/* clang-format on */

const size_t rule_count = COUNT_OF(rules);
