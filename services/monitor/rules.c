/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include "base/macros.h"
#include "store/monitor/monitor.h"

/* Marks a text for translation where it cannot be translated yet. */
#define N_(text) text

/* clang-format off */
#define ORDER_NOW                                 \
	N_("Order {order} (no. {number})\n"       \
	   "Store: {store}\n"                     \
	   "Now: {state}")

const struct rule rules[] = {
	{
		.name = "order-late", .query = &monitor_order_late, .in_minutes = true,
		.title = N_("Order is late"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Deadline: {time}\n"
			   "State: {state}, late by {minutes} min"),
		.line = N_("{order}[: {store}], deadline {time}"),
		.over = ORDER_NOW,
	},
	{
		.name = "order-not-ready", .query = &monitor_order_not_ready, .in_minutes = true,
		.title = N_("Order is about to be late"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Deadline: {time}, {left} min left\n"
			   "State: {state}"),
		.line = N_("{order}[: {store}], deadline {time}"),
		.over = ORDER_NOW,
	},
	{
		.name = "assembly-long", .query = &monitor_assembly_long, .in_minutes = true,
		.title = N_("Assembly takes too long"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Taken: {time}, {minutes} min ago; lines: {count}\n"
			   "Picker: {detail}"),
		.line = N_("{order}[: {store}], taken {time}"),
		.over = ORDER_NOW,
	},
	{
		.name = "order-not-taken", .query = &monitor_order_not_taken, .in_minutes = true,
		.title = N_("Order has not been taken"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Received: {time}, waits for {minutes} min"),
		.line = N_("{order}[: {store}], received {time}"),
		.over = ORDER_NOW,
	},
	{
		.name = "order-not-picked-up", .query = &monitor_order_not_picked_up, .in_minutes = true,
		.title = N_("Order has not been picked up"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Ready and due since {time}, {minutes} min"),
		.line = N_("{order}[: {store}], ready and due since {time}"),
		.over = ORDER_NOW,
	},
	{
		.name = "order-not-delivered", .query = &monitor_order_not_delivered, .in_minutes = true,
		.title = N_("Order has not been delivered"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "With the courier since {time}, {minutes} min\n"
			   "State: {state}"),
		.line = N_("{order}[: {store}], with the courier since {time}"),
		.over = ORDER_NOW,
	},
	{
		.name = "order-not-paid", .query = &monitor_order_not_paid, .in_minutes = true,
		.title = N_("Order has not been paid"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Delivered: {time}"),
		.line = N_("{order}[: {store}], delivered {time}"),
		.over = ORDER_NOW,
	},
	{
		.name = "cancel-share", .query = &monitor_cancel_share,
		.title = N_("Many orders are cancelled"),
		.body = N_("Store: {store}\n"
			   "Cancelled: {count} %"),
		.line = N_("{store}: {count} %"),
		.over = N_("Store: {store}\n"
			   "Within the limit again"),
	},
	{
		.name = "short-share", .query = &monitor_short_share,
		.title = N_("Many lines are picked short"),
		.body = N_("Store: {store}\n"
			   "Picked short: {count} % of the lines"),
		.line = N_("{store}: {count} %"),
		.over = N_("Store: {store}\n"
			   "Within the limit again"),
	},
	{
		.name = "found-rate", .query = &monitor_found_rate,
		.title = N_("Few goods are found"),
		.body = N_("Store: {store}\n"
			   "Found: {count} % of the lines"),
		.line = N_("{store}: {count} %"),
		.over = N_("Store: {store}\n"
			   "Within the limit again"),
	},
	{
		.name = "breaker-open", .query = &monitor_breaker_open,
		.title = N_("Marketplace cannot be reached"),
		.body = N_("Address: {subject}[ ({state})]\n"
			   "Since: {time}\n"
			   "Reason: {reason}"),
		.line = N_("{subject}: {state} since {time}"),
		.over = N_("Address: {subject}\n"
			   "It answers again"),
	},
	{
		.name = "breaker-opened", .query = &monitor_breaker_opened,
		.title = N_("Marketplace could not be reached for a while"),
		.body = N_("Address: {subject}\n"
			   "Times: {count}, the last one {time}\n"
			   "Reason: {reason}"),
		.line = N_("{subject}: {count}, the last one {time}"),
		.over = N_("Address: {subject}\n"
			   "It has not failed again"),
	},
	{
		.name = "notification-failed", .query = &monitor_notification_failed,
		.title = N_("Marketplace was not told"),
		.body = N_("Order {order}[ (no. {number})]\n"
			   "Notification: {detail}\n"
			   "Reason: {reason}"),
		.line = N_("{order}: {detail}[, {reason}]"),
		.over = N_("Order {order}[ (no. {number})]\n"
			   "Now: {state}\n"
			   "No notification of it is refused any more"),
	},
	{
		.name = "notification-uncertain", .query = &monitor_notification_uncertain, .in_minutes = true,
		.title = N_("It is unknown whether the marketplace was told"),
		.body = N_("Order {order}[ (no. {number})]\n"
			   "Notification: {detail}\n"
			   "Since: {time}\n"
			   "Reason: {reason}"),
		.line = N_("{order}: {detail}[, {reason}]"),
		.over = N_("Order {order}[ (no. {number})]\n"
			   "Now: {state}\n"
			   "No notification of it is in doubt any more"),
	},
	{
		.name = "inbox-quarantined", .query = &monitor_inbox_quarantined,
		.title = N_("Messages were not understood"),
		.body = N_("From: {subject}[ ({state})]\n"
			   "Messages: {count}, the last one {time}\n"
			   "Reason: {reason}"),
		.line = N_("{subject}: {count}"),
		.over = N_("From: {subject}\n"
			   "Nothing of it waits for a person any more"),
	},
	{
		.name = "job-failing", .query = &monitor_job_failing,
		.title = N_("Job keeps failing"),
		.body = N_("Job: {subject}\n"
			   "Failed runs in a row: {count}, the last one {time}\n"
			   "Result: {state}[, {reason}]"),
		.line = N_("{subject}: {state}[, {reason}]"),
		.over = N_("Job: {subject}\n"
			   "Last run: {state}"),
	},
	{
		.name = "telegram-backlog", .query = &monitor_telegram_backlog,
		.title = N_("Telegram messages pile up"),
		.body = N_("Waiting: {count}, the oldest since {time}"),
		.line = N_("Waiting: {count}, the oldest since {time}"),
		.over = N_("Messages go out again"),
	},
	{
		.name = "mail-failing", .query = &monitor_mail_failing, .in_minutes = true,
		.title = N_("Mail does not go out"),
		.body = N_("Not taken: {count}, the oldest since {time}\n"
			   "Reason: {reason}"),
		.line = N_("Not taken: {count}, the oldest since {time}"),
		.over = N_("No mail is refused or waits any more"),
	},
	{
		.name = "invoice-blocked", .query = &monitor_invoice_blocked,
		.title = N_("Invoice is blocked"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Reason: {reason}"),
		.line = N_("{order}[: {reason}]"),
		.over = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Now: {state}[, document {reason}]"),
	},
	{
		.name = "order-changed", .query = &monitor_order_changed,
		.title = N_("The marketplace changed an order that is sold"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Changed: {time}\n"
			   "Reason: {reason}\n"
			   "To do: ordergatectl document return, correct or leave"),
		.line = N_("{order}[: {reason}]"),
		.over = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Now: {state}[, document {reason}]"),
	},
	{
		.name = "report-differs", .query = &monitor_report_differs,
		.title = N_("The marketplace's report differs from our documents"),
		.body = N_("Report: {subject}, {time}\n"
			   "Differences: {count} ({parts})\n"
			   "Look: ordergatectl document reports"),
		.line = N_("{subject}: {count} ({parts})"),
		.over = N_("Report: {subject}\n"
			   "A newer one agrees, or it is long ago"),
	},
	{
		.name = "report-refused", .query = &monitor_report_refused,
		.title = N_("The marketplace's report was refused"),
		.body = N_("File: {subject}, {time}\n"
			   "It was not read: {reason}\n"
			   "Look: ordergatectl document reports"),
		.line = N_("{subject}[: {reason}]"),
		.over = N_("File: {subject}\n"
			   "Another one was read, or it is long ago"),
	},
	{
		.name = "erp-refused", .query = &monitor_erp_refused,
		.title = N_("The ERP refuses a document or a step of an order"),
		.body = N_("What: {subject}\n"
			   "Order {order}[ (no. {number})]\n"
			   "Store: {store}\n"
			   "Reason: {reason}"),
		.line = N_("{subject}[: {reason}]"),
		.over = N_("What: {subject}\n"
			   "The ERP has taken it, or a person has decided"),
	},
	{
		.name = "erp-away", .query = &monitor_erp_away, .in_minutes = true,
		.title = N_("The ERP does not take documents"),
		.body = N_("Waiting: {count}, the oldest since {time}\n"
			   "Reason: {reason}\n"
			   "Look: ordergatectl erp status"),
		.line = N_("Waiting: {count}, the oldest since {time}"),
		.over = N_("It takes documents again"),
	},
	{
		.name = "queue-backlog", .query = &monitor_queue_backlog, .in_minutes = true,
		.title = N_("Messages wait too long"),
		.body = N_("Queue: {what}\n"
			   "Waiting: {count}, the oldest since {time}"),
		.line = N_("{what}: {count}, the oldest since {time}"),
		.over = N_("Queue: {what}\n"
			   "It moves again"),
	},
	{
		.name = "hook-silent", .query = &monitor_hook_silent, .in_minutes = true,
		.title = N_("No orders come in"),
		.body = N_("From: {subject}\n"
			   "Last message: {time}, {minutes} min ago\n"
			   "At this hour of this weekday there were always some."),
		.line = N_("{subject}: last message {time}"),
		.over = N_("From: {subject}\n"
			   "Messages come in again, or none are expected now"),
	},
	{
		.name = "invoice-missing", .query = &monitor_invoice_missing, .in_minutes = true,
		.title = N_("Delivered order has no invoice"),
		.body = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Delivered: {time}"),
		.line = N_("{order}[: {store}], delivered {time}"),
		.over = N_("Order {order} (no. {number})\n"
			   "Store: {store}\n"
			   "Now: {state}[, document {reason}]"),
	},
	{
		.name = "chat-blocked", .query = &monitor_chat_blocked,
		.title = N_("Telegram chat takes no messages"),
		.body = N_("Chat: {subject}\n"
			   "Since: {time}\n"
			   "Reason: {reason}"),
		.line = N_("{subject}[: {reason}]"),
		.over = N_("Chat: {subject}\n"
			   "It takes messages again"),
	},
	{
		.name = "telegram-refused", .query = &monitor_telegram_refused,
		.title = N_("Telegram refuses the bot"),
		.body = N_("What: {what}[ ({state})]\n"
			   "Since: {time}\n"
			   "Reason: {reason}"),
		.line = N_("{what}[: {reason}]"),
		.over = N_("What: {what}\n"
			   "Telegram takes it again"),
	},
	{
		.name = "job-late", .query = &monitor_job_late, .in_minutes = true,
		.title = N_("Job is late"),
		.body = N_("Job: {subject}\n"
			   "A good run was due by {time}\n"
			   "Last run: {state}"),
		.line = N_("{subject}: due by {time}"),
		.over = N_("Job: {subject}\n"
			   "Last run: {state}"),
	},
	{
		.name = "machine-silent", .query = &monitor_machine_silent, .in_minutes = true,
		.title = N_("Machine is silent"),
		.body = N_("Machine: {subject}, {count} processes\n"
			   "Last heard of: {time}, {minutes} min ago\n"
			   "Look: ordergatectl status"),
		.line = N_("{subject}: last heard of {time}"),
		.over = N_("Machine: {subject}\n"
			   "It is heard of again, or forgotten"),
	},
	{
		.name = "self-probe", .query = &monitor_self_probe,
		.title = N_("Our own address does not answer"),
		.body = N_("Address: {subject}\n"
			   "Reason: {reason}"),
		.line = N_("{subject}[: {reason}]"),
		.over = N_("Address: {subject}\n"
			   "It answers as it should"),
	},
	{
		.name = "disk-low", .query = &monitor_disk_low,
		.title = N_("Disk space runs out"),
		.body = N_("{subject}: {count} % free, {detail}"),
		.line = N_("{subject}: {count} % free, {detail}"),
		.over = N_("{subject}: {count} % free, {detail}"),
	},
	{
		.name = "wal-large", .query = &monitor_wal_large,
		.title = N_("Log of the store has grown"),
		.body = N_("{subject}: {count} MiB"),
		.line = N_("{subject}: {count} MiB"),
		.over = N_("{subject}: {count} MiB"),
	},
	{
		.name = "backup-old", .query = &monitor_backup_old,
		.title = N_("No recent backup"),
		.body = N_("For {count} h there was none[; the last one: {detail}]"),
		.line = N_("For {count} h there was none[; the last one: {detail}]"),
		.over = N_("The last one: {detail}"),
	},
	{
		.name = "certificate-expiry", .query = &monitor_certificate_expiry,
		.title = N_("Certificate expires"),
		.body = N_("{detail}: {count} days left"),
		.line = N_("{detail}: {count} days left"),
		.over = N_("{detail}: {count} days left"),
	},
	{
		.name = "clock-unset", .query = &monitor_clock_unset,
		.title = N_("Clock is not synchronised"),
		.body = N_("{detail}"),
		.line = N_("{detail}"),
		.over = N_("{detail}"),
	},
	{
		.name = "clock-offset", .query = &monitor_clock_offset,
		.title = N_("Clock is wrong"),
		.body = N_("Off by: {detail}\n"
			   "Deadlines, documents and messages get wrong times."),
		.line = N_("Off by: {detail}"),
		.over = N_("Off by: {detail}"),
	},
	{
		.name = "measure-missing", .query = &monitor_measure_missing, .in_minutes = true,
		.title = N_("Something cannot be measured"),
		.body = N_("{subject}: last known {time}"),
		.line = N_("{subject}: last known {time}"),
		.over = N_("{subject}\n"
			   "It is measured again"),
	},
	{
		.name = "store-unknown", .query = &monitor_store_unknown,
		.title = N_("Order of an unknown store"),
		.body = N_("Store: {subject}\n"
			   "First order: {time}\n"
			   "It is worked on with the time zone Europe/Moscow until the store is imported."),
		.line = N_("{subject}: first order {time}"),
		.over = N_("Store: {subject}\n"
			   "It is imported"),
	},
	{
		.name = "product-unknown", .query = &monitor_product_unknown,
		.title = N_("Product is not in the catalogue"),
		.body = N_("SKU: {subject}\n"
			   "First seen: {time}[, order {order}][ (no. {number})]\n"
			   "The order is worked on; import the catalogue."),
		.line = N_("{subject}[: order {order}]"),
		.over = N_("SKU: {subject}\n"
			   "It is in the catalogue"),
	},
};
/* clang-format on */

const size_t rule_count = COUNT_OF(rules);
