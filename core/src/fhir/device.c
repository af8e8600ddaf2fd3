/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/device.h"

/* A list with one object, which the caller ends with device_end_single(). */
static void device_begin_single(sbs_json_writer *json, const char *name) {
    sbs_fhir_begin_list(json, name);
    sbs_json_begin_object(json);
}

static void device_end_single(sbs_json_writer *json) {
    sbs_json_end_object(json);
    sbs_json_end_array(json);
}

static void device_put_name(sbs_json_writer *json, sbs_text name) {
    if (name.ptr == NULL) {
        return;
    }

    device_begin_single(json, "deviceName");
    sbs_fhir_put_string(json, "name", name);
    sbs_json_member_text(json, "type", SBS_TEXT("user-friendly-name"));
    device_end_single(json);
}

static void device_put_version(sbs_json_writer *json, sbs_text version) {
    if (version.ptr == NULL) {
        return;
    }

    device_begin_single(json, "version");
    sbs_fhir_put_string(json, "value", version);
    device_end_single(json);
}

sbs_status sbs_device_put(sbs_writer *out, const sbs_device *device) {
    static const char statuses[] = "active\0inactive\0entered-in-error\0unknown\0";
    sbs_json_writer json;
    sbs_json_writer_init(&json, out);
    sbs_fhir_begin_resource(&json, "Device", device->id);
    if (device->demo) {
        sbs_fhir_put_demo_mark(&json);
    }

    sbs_fhir_put_identifier(&json, device->identifier_system, device->identifier_value);
    sbs_text status = device->status;
    if (status.ptr == NULL) {
        status = SBS_TEXT("active");
    }

    sbs_fhir_put_code_of(&json, "status", status, statuses);
    device_put_name(&json, device->name);
    device_put_version(&json, device->version);

    sbs_json_end_object(&json);
    return sbs_json_writer_finish(&json, NULL);
}
