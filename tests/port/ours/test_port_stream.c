/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of streams: TCP and TLS pass, each broken one is refused, and the template fails as it says. */
#include "broken.h"
#include "my_stream.h"
#include "rig_stream.h"
#include "run.h"
#include "sbs/count.h"

static int set_up_peers(void **state) {
    (void)state;
    rig_stream_start();
    broken_skip_ms = run_skip_ms;

    return 0;
}

static int tear_down_peers(void **state) {
    (void)state;
    rig_stream_stop();
    return 0;
}

static void tcp_of_linux_holds(void **state) {
    port_stream port;
    (void)state;
    rig_stream_tcp_open(&port);
    port_suite suite = run_begin(NULL);

    run_assert_sound(port_suite_stream(&suite, &port), 3); /* it is not secured */
    rig_stream_tcp_close();
}

static void tls_over_it_holds(void **state) {
    port_stream port;
    (void)state;
    rig_stream_tls_open(&port);
    port_suite suite = run_begin(NULL);

    run_assert_sound(port_suite_stream(&suite, &port), 0);
    rig_stream_tls_close();
}

/* The broken one over the stream that can be checked so. */
static void assert_refused(const broken_stream *how) {
    static const struct {
        void (*open)(port_stream *out);
        void (*close)(void);
    } streams[] = {{rig_stream_tcp_open, rig_stream_tcp_close}, {rig_stream_tls_open, rig_stream_tls_close}};
    char result = 'n';

    for (size_t i = 0; i < SBS_COUNT_OF(streams) && result == 'n'; i++) {
        port_stream sound, broken;
        streams[i].open(&sound);
        broken_stream_make(how, &sound, &broken);
        port_suite suite = run_begin(how->sentence);
        unsigned failures = port_suite_stream(&suite, &broken);
        streams[i].close();

        result = run_result(how->sentence);
        assert_int_equal(failures, run_results.failed);
    }

    if (result != 'F') {
        fail_msg("passed although %s: %s", how->what, how->sentence);
    }
}

static void each_broken_stream_is_refused(void **state) {
    (void)state;
    run_is_quiet = true;
    for (size_t i = 0; i < broken_stream_count; i++) {
        assert_refused(&broken_streams[i]);
    }

    run_is_quiet = false;
}

/* It connects nowhere, and says so. */
static void the_template_fails(void **state) {
    port_stream port, real;
    my_stream template;
    (void)state;
    rig_stream_tcp_open(&real);
    port = real;
    my_stream_init(&template, &port.stream);
    run_is_quiet = true;
    port_suite suite = run_begin(NULL);
    unsigned failures = port_suite_stream(&suite, &port);
    run_is_quiet = false;
    rig_stream_tcp_close();

    assert_int_equal(run_results.ok, 0);
    assert_int_equal(failures + run_results.missing, run_results.count);
    assert_string_equal(run_came("open() connects"), "SBS_ERR_UNSUPPORTED: not supported");
    run_assert_each_is_broken(broken_streams, sizeof broken_streams[0], broken_stream_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_of_linux_holds),
        cmocka_unit_test(tls_over_it_holds),
        cmocka_unit_test(each_broken_stream_is_refused),
        cmocka_unit_test(the_template_fails),
    };

    return cmocka_run_group_tests(tests, set_up_peers, tear_down_peers);
}
