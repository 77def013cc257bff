package sluice.vdev.profile.guest;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** What a kernel prints of its driver, and a guest that prints something else. */
class GuestTraceTest {
    private static final GuestTrace.Queue CONTROL = new GuestTrace.Queue(0, "control");
    private static final String BEFORE = "     kworker/0:1-11      [000] d.h1.    46.453733: ";
    private static final String QUEUE = "virtio_gpu_cmd_queue: vdev=0 vq=0 name=control type=0x105 flags=0x1 fence_id=1 ctx_id=0 num_free=63 seqno=%s\n";
    private static final String RESPONSE = QUEUE.replace("cmd_queue", "cmd_response").replace("0x105", "0x1100");
    private static final String INTERRUPT = "irq_handler_entry: irq=25 name=virtio0-control\n";

    private static GuestTrace read(String... lines) throws IOException {
        return GuestTrace.read(new ByteArrayInputStream(String.join("", lines).getBytes(StandardCharsets.ISO_8859_1)),
                GuestTrace.MOST_BYTES);
    }

    private static String at(String time, String line) {
        return BEFORE.replace("46.453733", time) + line;
    }

    @Test
    void aRequestHasItsTimes() throws Exception {
        GuestTrace trace = read("# tracer: nop\n#\n# entries-in-buffer/entries-written: 933/933   #P:1\n",
                at("5.000001", QUEUE.formatted(7)), at("5.000020", INTERRUPT), at("5.100000", RESPONSE.formatted(7)),
                at("5.200000", "dma_fence_signaled: driver=virtio_gpu timeline=controlq context=1 seqno=1\n"),
                "# SLUICE end\n");
        assertThat(trace.problems()).isEmpty();
        assertThat(trace.queues()).containsExactly(CONTROL);
        GuestRequest request = trace.requests(CONTROL).get(7L);
        assertThat(request).isNotNull().satisfies(one -> {
            assertThat(one.queued).isEqualTo(5_000_001_000L);
            assertThat(one.interrupted).isEqualTo(5_000_020_000L);
            assertThat(one.responded).isEqualTo(5_100_000_000L);
            assertThat(one.type).isEqualTo(0x105);
            assertThat(one.isWhole()).isTrue();
        });
        assertThat(trace.others()).extracting(GuestTrace.Other::name).containsExactly("interrupt",
                "dma_fence_signaled");
    }

    @Test
    void anInterruptBeforeTheRequestIsNotItsOwn() throws Exception {
        GuestTrace trace = read(at("5.000000", INTERRUPT), at("5.000001", QUEUE.formatted(7)),
                at("5.100000", RESPONSE.formatted(7)));
        assertThat(trace.requests(CONTROL).get(7L)).isNotNull()
                .satisfies(one -> assertThat(one.interrupted).isEqualTo(GuestRequest.UNKNOWN));
    }

    @Test
    void aDriverThatBeginsAnewCountsAnew() throws Exception {
        GuestTrace trace = read(at("5.0", "x\n"), at("5.000001", QUEUE.formatted(1)),
                at("5.000002", QUEUE.formatted(2)),
                at("9.000001", QUEUE.formatted(1)));
        assertThat(trace.requests(CONTROL)).containsOnlyKeys(1L);
        assertThat(trace.problems()).singleElement().asString().contains("1 of 4 lines");
    }

    @Test
    void aNumberThatComesTwiceCountsForNothing() throws Exception {
        GuestTrace trace = read(at("5.000001", QUEUE.formatted(3)), at("5.000002", QUEUE.formatted(3)),
                at("5.000003", RESPONSE.formatted(3)), at("5.000004", RESPONSE.formatted(3)));
        assertThat(trace.requests(CONTROL).get(3L)).isNotNull()
                .satisfies(one -> assertThat(one.isWhole()).isFalse());
        assertThat(trace.problems())
                .containsExactly("The guest's trace tells of 1 requests twice, which are left out.");
    }

    @Test
    void whatIsMissingIsTold() throws Exception {
        assertThat(read("# entries-in-buffer/entries-written: 10/25   #P:1\n").problems()).singleElement().asString()
                .contains("overwritten 15 events");
        assertThat(read("CPU:0 [LOST 17 EVENTS]\n").problems()).singleElement().asString().contains("17");
        assertThat(read("# SLUICE cut\n").problems()).containsExactly("The guest's trace is cut: its end is missing.");
        assertThat(read(at("5.000001", QUEUE.formatted(3)).substring(0, 90)).problems()).as("in the middle of a line")
                .hasSize(2).first().asString().contains("cut");
        assertThat(read(at("5.000001", QUEUE.replace(" seqno=%s", ""))).problems()).singleElement().asString()
                .contains("does not number");
    }

    @ParameterizedTest
    @ValueSource(strings = { "-3", "99999999999", "", "1e3", "0x10", "3 seqno=" })
    void aNumberThatIsNoneIsBroken(String number) throws Exception {
        GuestTrace trace = read(at("5.000001", QUEUE.formatted(number)));
        assertThat(trace.requests(CONTROL)).isEmpty();
        assertThat(trace.problems()).singleElement().asString().contains("1 of 1 lines");
    }

    @ParameterizedTest
    @ValueSource(strings = { "99999999999.000001", "-5.000001", "5.1", "5", "nan" })
    void aTimeThatIsNoneIsBroken(String time) throws Exception {
        assertThat(read(at(time, QUEUE.formatted(1))).problems()).singleElement().asString().contains("1 of 1 lines");
    }

    /** Ten million lines would be more than is read. */
    @Test
    void noMoreIsReadThanIsAllowed() throws Exception {
        byte[] line = at("5.000001", "drm_vblank_event: crtc=0\n").getBytes(StandardCharsets.ISO_8859_1);
        byte[] text = new byte[2 << 20];
        for (int i = 0; i < text.length; i++) text[i] = line[i % line.length];
        ByteArrayInputStream in = new ByteArrayInputStream(text);
        GuestTrace trace = GuestTrace.read(in, 1 << 20);
        assertThat(trace.problems()).containsExactly("The guest's trace is cut: its end is missing.");
        assertThat(in.available()).as("what is left").isPositive();
    }

    @Test
    void theNewestRequestsAndEventsAreKept() throws Exception {
        StringBuilder text = new StringBuilder();
        int most = GuestTrace.MOST_REQUESTS + 10;
        for (int i = 2; i < most; i++) text.append(at("5.000001", QUEUE.formatted(i)));
        for (int i = 0; i < GuestTrace.MOST_OTHERS + 10; i++)
            text.append(at("5.000001", "drm_vblank_event: %d\n".formatted(i)));
        for (int i = 0; i < 100; i++) text.append(at("5.000001", QUEUE.formatted(i).replace("vdev=0", "vdev=" + i)));
        GuestTrace trace = read(text.toString());
        assertThat(trace.requests(CONTROL)).hasSize(GuestTrace.MOST_REQUESTS).containsKey(most - 1L)
                .doesNotContainKey(2L);
        assertThat(trace.others()).hasSize(GuestTrace.MOST_OTHERS).last().extracting(GuestTrace.Other::fields)
                .isEqualTo(Integer.toString(GuestTrace.MOST_OTHERS + 9));
        assertThat(trace.queues()).hasSize(32);
    }
}
