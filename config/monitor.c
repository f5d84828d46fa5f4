#include "config/monitor.h"

#include "config/environment.h"
#include "config/settings.h"

#define SECONDS_MAX 31536000

enum monitor_setting { MONITOR_THRESHOLD, MONITOR_CHECK, MONITOR_EVENT };
static const struct setting monitor_settings[] = {
    [MONITOR_THRESHOLD] = {.name = "warning_threshold_days",
                           .type = SETTING_INTEGER,
                           .least = 0,
                           .most = 3650},
    [MONITOR_CHECK] = {.name = "check_cooldown_seconds",
                       .type = SETTING_INTEGER,
                       .least = 0,
                       .most = SECONDS_MAX},
    [MONITOR_EVENT] = {.name = "event_cooldown_seconds",
                       .type = SETTING_INTEGER,
                       .least = 0,
                       .most = SECONDS_MAX},
    {.name = NULL},
};

static unsigned value_of(struct load *load, const config_setting_t *const *found, enum monitor_setting which,
                         unsigned otherwise)
{
    unsigned value = settings_number(found[which], otherwise);
    environment_number(load, "certificate_expiry_monitor", &monitor_settings[which], &value);
    return value;
}

void monitor_section_read(struct load *load, const config_setting_t *group)
{
    const config_setting_t *found[SETTINGS_MAX] = {NULL};
    struct expiry_settings *expiry = &load->policy->expiry;
    if (group != NULL)
        settings_read(load, group, monitor_settings, found);
    expiry->threshold_days = value_of(load, found, MONITOR_THRESHOLD, 30);
    expiry->check_cooldown_seconds = value_of(load, found, MONITOR_CHECK, 3600);
    expiry->event_cooldown_seconds = value_of(load, found, MONITOR_EVENT, 86400);
}
