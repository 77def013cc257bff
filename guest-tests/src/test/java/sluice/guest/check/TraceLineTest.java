package sluice.guest.check;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.finding.Rule;

import static org.assertj.core.api.Assertions.assertThat;

/** What a kernel's trace tells, and a guest that prints something else. */
class TraceLineTest {
    private static final String BEFORE = "          stream-178     [000] .N.1.    15.598606: ";
    private static final String LIST = "dma_addrs={0x17620000,0x17621000} sizes={0x1000,0x800}";
    private static final String MAP = BEFORE + "dma_map_sg: 0000:00:03.0 dir=FROM_DEVICE nents=2/2 ents=2/2 " + LIST
            + " phys_addrs={0x42a8000,0x42c2000} attrs=SKIP_CPU_SYNC|WEAK_ORDERING";
    private static final String SYNC = BEFORE + "dma_sync_sg_for_cpu: 0000:00:03.0 dir=%s " + LIST;
    private static final String UNMAP = BEFORE
            + "dma_unmap_sg: 0000:00:03.0 dir=%s phys_addrs={0x42a8000,0x42c2000} attrs=SKIP_CPU_SYNC";
    private static final String MARK = BEFORE + "tracing_mark_write: SLUICE end %d";

    /** What is told of lines, with a mark behind them. */
    private static TracePort.Traced told(String... lines) throws IOException, InterruptedException {
        return told((String.join("\n", lines) + "\n" + MARK.formatted(1) + "\n").getBytes(StandardCharsets.ISO_8859_1));
    }

    private static TracePort.Traced told(byte[] bytes) throws IOException, InterruptedException {
        try (TracePort port = TracePort.open(false)) {
            port.lines(new ByteArrayInputStream(bytes));
            return port.until(1, 0, Duration.ZERO); // all lines have been read
        }
    }

    @Test
    void aListIsReadWithItsAddresses() {
        assertThat(TraceLine.of(MAP)).isEqualTo(new TraceLine.Call(15_598_606,
                new TracedCall("dma_map_sg", "0000:00:03.0", "FROM_DEVICE", List.of(0x17620000L, 0x17621000L),
                        List.of(0x42a8000L, 0x42c2000L), 0x1800, "SKIP_CPU_SYNC WEAK_ORDERING", false)));
        assertThat(TraceLine.of(MAP.replace("attrs", "[TRUNCATED] attrs"))).asString().contains("cut=true");
    }

    @Test
    void singleMappingsAndProbesAreReadToo() {
        assertThat(TraceLine.of(BEFORE
                + "dma_map_phys: nvme dir=TO_DEVICE dma_addr=ffff8100 size=32 phys_addr=42a8100 attrs="))
                .isEqualTo(new TraceLine.Call(15_598_606, new TracedCall("dma_map_phys", "nvme", "TO_DEVICE",
                        List.of(0xffff8100L), List.of(0x42a8100L), 32, "", false)));
        assertThat(TraceLine.of(BEFORE + "sluice_ioctl: (dma_buf_ioctl+0x4/0x410) command=1074291200 flags=6"))
                .asString().contains("DMA_BUF_IOCTL_SYNC", "TO_DEVICE", "END");
        assertThat(TraceLine.of(BEFORE + "sluice_begin: (dma_buf_begin_cpu_access+0x4/0x70) size=12288 direction=2"))
                .asString().contains("dma_buf_begin_cpu_access", "FROM_DEVICE", "12288");
    }

    @Test
    void lossIsCountedAndNeverGreen() throws Exception {
        assertThat(told(MAP).lost()).isZero();
        assertThat(told("CPU:0 [LOST 17 EVENTS]").lost()).isEqualTo(17);
        assertThat(told("CPU:1 [LOST EVENTS]").lost()).isEqualTo(1);
        assertThat(told("[LINE TOO BIG]").lost()).isEqualTo(1);
        assertThat(told(MAP.substring(0, 90)).lost()).as("a torn line").isEqualTo(1);
        assertThat(told("x".repeat(TraceLine.LONGEST + 5)).lost()).isEqualTo(1);
        try (TracePort port = TracePort.open(false)) {
            port.lines(new ByteArrayInputStream(MAP.getBytes(StandardCharsets.ISO_8859_1)));
            assertThat(port.until(1, 3, Duration.ZERO).lost()).as("three the guest has counted, and no mark")
                    .isEqualTo(4);
        }
    }

    @Test
    void aCallHasTheChainThatFollowsIt() throws Exception {
        String stack = BEFORE + "<stack trace>";
        TracePort.Traced traced = told(MAP, stack, " => trace_event_raw_event_dma_map_sg", " => dma_map_sg_attrs",
                " => vb2_dma_sg_map_dmabuf [videobuf2_dma_sg]", UNMAP.formatted("TO_DEVICE"), stack,
                " => dma_unmap_sg_attrs", stack, " => of_an_interrupt", MAP, " => of_nobody");
        assertThat(traced.lost()).isZero();
        assertThat(traced.moments()).extracting(Moment::chain).containsExactly(
                List.of("dma_map_sg_attrs", "vb2_dma_sg_map_dmabuf [videobuf2_dma_sg]"), List.of("dma_unmap_sg_attrs"),
                List.of());
        assertThat(traced.hints()).singleElement().satisfies(hint -> {
            assertThat(hint.chain()).containsExactly("dma_unmap_sg_attrs");
            assertThat(hint.mapped()).containsExactly("dma_map_sg_attrs",
                    "vb2_dma_sg_map_dmabuf [videobuf2_dma_sg]");
        });
    }

    @Test
    void aChainIsBoundedAndWhatIsNoFunctionIsBroken() throws Exception {
        List<String> lines = new ArrayList<>(List.of(MAP, BEFORE + "<stack trace>"));
        for (int i = 0; i < 1000; i++) lines.add(" => f" + i);
        TracePort.Traced traced = told(lines.toArray(String[]::new));
        assertThat(traced.moments()).singleElement().extracting(Moment::chain)
                .asInstanceOf(InstanceOfAssertFactories.LIST)
                .hasSize(32);
        assertThat(told(MAP, BEFORE + "<stack trace>", " => <script>").lost()).isEqualTo(1);
    }

    @Test
    void hintsNameTheCallThatBreaksARule() throws Exception {
        assertThat(told(MAP, SYNC.formatted("FROM_DEVICE"), UNMAP.formatted("FROM_DEVICE")).hints()).isEmpty();
        assertThat(told(MAP, UNMAP.formatted("FROM_DEVICE")).hints()).singleElement().satisfies(hint -> {
            assertThat(hint.rule()).isEqualTo(Rule.BOUNCE_NOT_COPIED_BACK.name());
            assertThat(hint.error()).isFalse();
            assertThat(hint.buffer()).isEqualTo("dma_map_sg 0x17620000");
            assertThat(hint.site()).isEqualTo("dma_unmap_sg FROM_DEVICE SKIP_CPU_SYNC");
        });
        assertThat(told(MAP, SYNC.formatted("TO_DEVICE"), SYNC.formatted("TO_DEVICE")).hints()).singleElement()
                .satisfies(hint -> {
                    assertThat(hint.rule()).isEqualTo(Rule.D21_SYNC_DIRECTION.name());
                    assertThat(hint.times()).isEqualTo(2);
                });
        assertThat(told(MAP, UNMAP.formatted("TO_DEVICE")).hints()).singleElement()
                .satisfies(hint -> assertThat(hint.rule()).isEqualTo(Rule.D7_UNMAP_DIRECTION.name()));
        assertThat(told(UNMAP.formatted("FROM_DEVICE"), SYNC.formatted("TO_DEVICE")).hints())
                .as("mapped before anybody looked").isEmpty();
    }

    @Test
    void theLatestCallsAreKept() throws Exception {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < TracedCalls.MOST_MOMENTS + 5; i++) lines.add(SYNC.formatted("FROM_DEVICE"));
        TracePort.Traced traced = told(lines.toArray(String[]::new));
        assertThat(traced.moments()).hasSize(TracedCalls.MOST_MOMENTS);
        assertThat(traced.unknown()).isEqualTo(5);
        assertThat(traced.moments().getLast().order()).isEqualTo(TracedCalls.MOST_MOMENTS + 5);
    }

    @Test
    void mappingsBeyondTheLimitAreLost() throws Exception {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < TracedCalls.MOST_MAPPINGS + 3; i++)
            lines.add(MAP.replace("0x17620000", "0x%x".formatted(i)));
        assertThat(told(lines.toArray(String[]::new)).lost()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = { "dma_map_sg: x dir=UP dma_addrs={0x1} sizes={0x1} phys_addrs={0x1} attrs=",
            "dma_map_sg: x", "dma_map_sg: x dir=TO_DEVICE dma_addrs={0xzz}",
            "dma_map_sg: x dir=TO_DEVICE dma_addrs={,}",
            "dma_map_phys: x dir=TO_DEVICE size=-1", "dma_map_phys: x dir=TO_DEVICE size=99999999999999999999",
            "sluice_begin: size=1 direction=4", "sluice_begin: size=1", "sluice_other: size=1",
            "sluice_ioctl: flags=x" })
    void whatIsNoCallIsBroken(String text) {
        assertThat(TraceLine.of(BEFORE + text)).isEqualTo(new TraceLine.Broken());
    }

    @Test
    void aListIsNoLongerThanTheKernelTells() {
        String entries = "0x1000,".repeat(TracedCall.MOST_ENTRIES) + "0x1000";
        assertThat(TraceLine.of(BEFORE + "dma_unmap_sg: x dir=TO_DEVICE phys_addrs={" + entries + "} attrs="))
                .isEqualTo(new TraceLine.Broken());
    }

    /** Nothing that a guest prints throws, or is kept without a limit. */
    @Test
    void aHostileGuestLosesItsOwnVerdict() throws Exception {
        Random random = new Random(7);
        List<String> right = List.of(MAP, SYNC.formatted("FROM_DEVICE"), UNMAP.formatted("FROM_DEVICE"),
                "CPU:0 [LOST 17 EVENTS]", BEFORE + "sluice_ioctl: (dma_buf_ioctl+0x4/0x410) command=1 flags=6");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            StringBuilder line = new StringBuilder(right.get(random.nextInt(right.size())));
            for (int change = random.nextInt(4); change > 0; change--) {
                int at = random.nextInt(line.length());
                switch (random.nextInt(3)) {
                    case 0 -> line.setCharAt(at, (char) random.nextInt(256));
                    case 1 -> line.delete(at, Math.min(line.length(), at + random.nextInt(20)));
                    default -> line.insert(at, line.substring(random.nextInt(line.length())));
                }
                if (line.isEmpty()) line.append(' ');
            }
            text.append(line).append('\n');
        }
        TracePort.Traced traced = told(
                (text + MARK.formatted(1) + "\n").getBytes(StandardCharsets.ISO_8859_1));
        assertThat(traced.lost()).isPositive();
        assertThat(traced.moments()).hasSizeLessThanOrEqualTo(TracedCalls.MOST_MOMENTS);
        byte[] noise = new byte[1 << 20];
        random.nextBytes(noise);
        assertThat(told(noise).lost()).isPositive();
    }
}
