/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "app/locale.h"
#include "app/log.h"
#include "app/service/service_private.h"
#include "base/clock.h"

void service_use_config(struct process *p, struct config *config)
{
	config_free(p->configs[0]);
	for (int i = 1; i < SERVICE_CONFIGS_KEPT; i++)
		p->configs[i - 1] = p->configs[i];
	p->configs[SERVICE_CONFIGS_KEPT - 1] = config;
	p->service.config = config;
}

void service_free_configs(struct process *p)
{
	for (int i = 0; i < SERVICE_CONFIGS_KEPT; i++) {
		config_free(p->configs[i]);
		p->configs[i] = NULL;
	}
	p->service.config = NULL;
}

static void use_new(struct process *p, struct config *config)
{
	struct err e = {0};

	service_use_config(p, config);
	log_set_level(config->log.level);
	locale_open(config->log.locale);
	if (p->service.def->reload != NULL &&
	    p->service.def->reload(&p->service, &e) < 0)
		log_error(&e, "reload is incomplete", LOG_NO_FIELDS);
	else
		log_event(LOG_LEVEL_INFO, "configuration reloaded",
			  LOG_TEXT("file", p->config_path));
}

void service_reload(struct process *p)
{
	int64_t now_ms = clock_mono_ms();
	struct config *config = NULL;
	struct err e = {0};

	/* Old configurations are kept for SERVICE_CONFIGS_KEPT reloads: a storm
	 * of signals must not run through them while a request reads one. */
	if (now_ms < p->reloaded_ms + SERVICE_TICK_MS)
		return;
	p->reload_wanted = false;
	p->reloaded_ms = now_ms;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
			 now_ms * 1000);
	if (config_load(p->config_path, p->config_given, &config, &e) < 0)
		log_error(&e, "configuration not reloaded, the old one stays",
			  LOG_NO_FIELDS);
	else
		use_new(p, config);
	(void)sd_notify(0, "READY=1");
}
