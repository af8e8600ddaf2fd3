/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/retry.h"

/* A status, or all of a hundred (300: 3xx) that stand in no row before; the last row is for the rest. */
typedef struct status_row {
    uint16_t http_status;
    uint8_t fault : 4;
    uint8_t flags : 4;
    int8_t status;
} status_row;

#define HUNDRED 1u
#define STORED 2u
#define TIME 4u

static const status_row status_rows[] = {
    {200, SBS_FAULT_NONE, STORED, SBS_OK},
    {201, SBS_FAULT_NONE, STORED, SBS_OK},
    {204, SBS_FAULT_NONE, STORED, SBS_OK},
    {200, SBS_FAULT_NONE, HUNDRED | STORED, SBS_ERR_RESPONSE},
    {304, SBS_FAULT_ITEM, 0, SBS_ERR_AMBIGUOUS},
    {300, SBS_FAULT_ACCESS, HUNDRED, SBS_ERR_REDIRECT},
    {400, SBS_FAULT_ITEM, 0, SBS_ERR_REJECTED},
    {401, SBS_FAULT_ACCESS, 0, SBS_ERR_UNAUTHORIZED},
    {408, SBS_FAULT_SERVER, STORED | TIME, SBS_ERR_BUSY},
    {409, SBS_FAULT_CONFLICT, 0, SBS_ERR_CONFLICT},
    {412, SBS_FAULT_ITEM, 0, SBS_ERR_AMBIGUOUS},
    {413, SBS_FAULT_ITEM, 0, SBS_ERR_REJECTED},
    {422, SBS_FAULT_ITEM, 0, SBS_ERR_REJECTED},
    {425, SBS_FAULT_SERVER, TIME, SBS_ERR_BUSY},
    {429, SBS_FAULT_SERVER, TIME, SBS_ERR_BUSY},
    {400, SBS_FAULT_ACCESS, HUNDRED, SBS_ERR_FORBIDDEN},
    {501, SBS_FAULT_ACCESS, STORED, SBS_ERR_FORBIDDEN},
    {505, SBS_FAULT_ACCESS, STORED, SBS_ERR_FORBIDDEN},
    {511, SBS_FAULT_ACCESS, STORED, SBS_ERR_FORBIDDEN},
    {500, SBS_FAULT_SERVER, HUNDRED | STORED, SBS_ERR_BUSY},
    {0, SBS_FAULT_SERVER, STORED, SBS_ERR_RESPONSE},
};

sbs_http_meaning sbs_http_meaning_of(unsigned http_status) {
    const status_row *row = status_rows;

    for (; row->http_status != 0; row++) {
        unsigned above = http_status - row->http_status;
        if (above == 0 || ((row->flags & HUNDRED) != 0 && above < 100)) {
            break;
        }
    }

    return (sbs_http_meaning){
        .status = (sbs_status)row->status,
        .fault = (sbs_fault)row->fault,
        .may_be_stored = (row->flags & STORED) != 0,
        .asks_for_time = (row->flags & TIME) != 0,
    };
}
