/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, one row each in the order of help. */
#include "cli.h"
#include "sbs/count.h"

const cli_command cli_commands[] = {
    {"run", "", 0, 0, 0, "Takes from devices and brings to the server, until it is told to end",
     "What systemd runs. SIGTERM ends it within seconds, SIGHUP reads the configuration again.", "sbs-gateway run",
     cli_run},
    {"check", "", 0, 0, CLI_TAKES_JSON, "Looks whether everything is right, and says what to do where it is not",
     "Nothing is written and no measurement is sent. Each line is OK, WARN or FAIL; exit status 0 without a FAIL.",
     "sbs-gateway check", cli_check},
    {"status", "", 0, 0, CLI_TAKES_JSON, "Tells what the gateway that runs is doing", NULL, "sbs-gateway status",
     cli_status},
    {"jwk", "", 0, 0, CLI_TAKES_SET, "Prints the public key, for the server's administrator", NULL,
     "sbs-gateway jwk --set > jwks.json", cli_jwk},
    {"key rotate", "", 0, 0, 0, "Makes the next key; the old one signs until it is confirmed", NULL,
     "sbs-gateway key rotate", cli_key_rotate},
    {"key confirm", "", 0, 0, CLI_TAKES_YES, "Signs with the next key from now on, and destroys the old one",
     "Says which key is destroyed, and asks; where nobody can be asked it needs --yes. Whether the server has the\n"
     "next key is not looked at: what it does not have it refuses.",
     "sbs-gateway key confirm", cli_key_confirm},
    {"device add", "NAME", 1, 1, 0, "Adds a device, and prints its secret, once",
     "Writes conf.d/device-NAME.conf beside the configuration, unless it has the device, and reloads it.\n"
     "A device that has a secret keeps it, and is refused: 'device secret' makes another one. \"operator\"\n"
     "is the name of who may change something on the status page.",
     "sbs-gateway device add fridge-3", cli_device_add},
    {"device secret", "NAME", 1, 1, 0, "Makes a new secret for a device, and prints it, once: the old one ends", NULL,
     "sbs-gateway device secret fridge-3", cli_device_secret},
    {"device remove", "NAME", 1, 1, 0, "Takes a device's secret away; what it gave is still sent", NULL,
     "sbs-gateway device remove fridge-3", cli_device_remove},
    {"device watch", "NAME", 1, 1, CLI_TAKES_VALUES, "Shows what a device sends and is answered, as it comes",
     "Requests without a right secret are shown, too. Ends with Ctrl-C.", "sbs-gateway device watch fridge-3",
     cli_device_watch},
    {"dead list", "", 0, 0, CLI_TAKES_JSON | CLI_TAKES_DEVICE, "Lists the measurements that the server refused", NULL,
     "sbs-gateway dead list", cli_dead_list},
    {"dead show", "ID", 1, 1, CLI_TAKES_JSON, "Shows one of them, with the server's words and its content", NULL,
     "sbs-gateway dead show 17", cli_dead_show},
    {"dead retry", "[ID]", 0, 1, CLI_TAKES_ALL | CLI_TAKES_DEVICE, "Sends one, those of a device, or all again",
     "Exactly one of ID, --device and --all. Where there is none, that is said, and the exit status is 0.",
     "sbs-gateway dead retry 17", cli_dead_retry},
    {"dead discard", "ID", 1, 1, 0, "Deletes one for good", NULL, "sbs-gateway dead discard 17", cli_dead_discard},
    {"ca", "", 0, 0, 0, "Prints the root certificate that devices have to trust", NULL,
     "sbs-gateway ca > gateway-ca.pem", cli_ca},
    {"reload", "", 0, 0, 0, "Reads the configuration again; a faulty one changes nothing", NULL, "sbs-gateway reload",
     cli_reload},
};

const size_t cli_command_count = SBS_COUNT_OF(cli_commands);
