/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's configuration file: what is read is within its bounds, a message is one line, and of a refused file
 * nothing is left.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "sbs/count.h"
#include "sbs/gateway_config.h"

#define LOGIN "s3cr3t"

static const char *const lines[] = {
    "[server]\n",
    "[gateway]\n",
    "[listen lan]\n",
    "[listen page]\n",
    "[device a]\n",
    "[device b] protocol = spool\n",
    "fhir = https://fhir.example.org/fhir\n",
    "fhir = http://127.0.0.1:1/fhir\n",
    "client-id = x # comment\r\n",
    "proxy = http://nurse:" LOGIN "@proxy:3128\n",
    "proxy = nurse:" LOGIN "@\n",
    "proxy http://nurse:" LOGIN "@proxy\n",
    "write-mode = put\n",
    "batch = 17\n",
    "batch = 99999999999999999999\n",
    "gzip = no\n",
    "allow-http = yes\n",
    "name = clinic-12\n",
    "state = /var/lib/x\n",
    "keep-free = 64M\n",
    "keep-free = 18446744073709551615G\n",
    "address = 192.168.8.1:8443\n",
    "address = [::1]:8080\n",
    "address = 10.0.0.1:80\n",
    "tls = no\n",
    "insecure = yes\n",
    "allow = 192.168.8.0/24, fd00::/8 10.0.0.2\n",
    "allow = 1.2.3.4/33\n",
    "certificate = /c.pem\n",
    "key = /k.pem\n",
    "protocol = fhir\n",
    "protocol = spool\n",
    "folder = /srv/x\n",
    "phd = yes\n",
    "algorithm = RS384\n",
    "nonsense = 1\n",
    "\xEF\xBB\xBF[server]\n",
    "[\n",
};

/* True if all of it stands in the list above. */
static bool make_file(fuzz_input *input, int descriptor) {
    bool own_only = true;
    for (unsigned count = fuzz_below(input, 40); count > 0; count--) {
        char own[256];
        const char *line = own;
        const unsigned which = fuzz_byte(input);
        size_t len = 0;
        if (which < 208) {
            line = lines[which % SBS_COUNT_OF(lines)];
            len = strlen(line);
        } else {
            len = fuzz_bytes(input, own, sizeof own);
            own_only = false;
        }
        FUZZ_REQUIRE(write(descriptor, line, len) == (ssize_t)len);
    }
    return own_only;
}

static void check_loaded(const sbs_gateway_config *config) {
    FUZZ_REQUIRE(config->state != NULL && config->run != NULL && config->algorithm != NULL);
    FUZZ_REQUIRE(config->name[0] != '\0' && config->batch <= 128 && config->connections >= 1);
    FUZZ_REQUIRE(config->listener_count >= 1 && config->listener_count <= SBS_GATEWAY_LISTENERS_MAX);
    for (size_t i = 0; i < config->listener_count; i++) {
        const sbs_gateway_listener *listener = &config->listeners[i];
        FUZZ_REQUIRE(listener->address != NULL && listener->allow_count <= SBS_GATEWAY_ALLOW_MAX);
        FUZZ_REQUIRE(!listener->insecure || (!listener->tls && strcmp(listener->name, "page") != 0));
        (void)sbs_gateway_listener_allows(listener, "192.168.8.7");
        (void)sbs_gateway_listener_allows(listener, "fe80::1%eth0");
    }
    for (size_t i = 0; i < config->device_count; i++) {
        const sbs_gateway_device *device = &config->devices[i];
        FUZZ_REQUIRE((device->folder != NULL) == (device->protocol == SBS_GATEWAY_SPOOL));
        FUZZ_REQUIRE(sbs_gateway_config_device(config, device->name) == device);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static sbs_gateway_config config;
    char path[64];
    char message[256];
    fuzz_input input = {data, size};
    const int descriptor = memfd_create("config", MFD_CLOEXEC);
    FUZZ_REQUIRE(descriptor >= 0 && fchmod(descriptor, 0600) == 0);
    const bool own_only = make_file(&input, descriptor);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);

    const sbs_status status = sbs_gateway_config_load(path, &config, message, sizeof message);
    fuzz_talk("%d %s\n", status, message);
    FUZZ_REQUIRE(status == SBS_OK || status == SBS_ERR_FORMAT);
    FUZZ_REQUIRE((status == SBS_OK) == (message[0] == '\0') && strlen(message) < sizeof message);
    FUZZ_REQUIRE(strchr(message, '\n') == NULL && (!own_only || strstr(message, LOGIN) == NULL));
    if (status == SBS_OK) {
        check_loaded(&config);
    } else {
        FUZZ_REQUIRE(config.state == NULL && config.device_count == 0 && config.proxy == NULL);
    }
    sbs_gateway_config_free(&config);
    (void)close(descriptor);
    return 0;
}
