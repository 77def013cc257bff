package sluice.vdev.grabber;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.trace.EventKind;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.loopback.KeptTrace;
import sluice.vdev.loopback.KeptTrace.Told;
import sluice.vdev.vfiouser.FunctionProcess;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/** What is recorded of a function's DMA: each access, and which frame it belongs to. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GrabberTraceTest {
    private static final long RAM = 4 << 20;
    private static final long ADDRESS = 0x10000;
    private static final int WIDTH = 768;
    private static final int HEIGHT = 576;
    private static final int FROM_DEVICE = 2;

    private static KeptTrace grabTwo(boolean on, long address) throws Exception {
        KeptTrace kept = new KeptTrace(on);
        DmaCore core = DmaCore.open(DmaCoreOptions.counting().withTrace(kept));
        FunctionProcess process = new FunctionProcess("grabber", new Grabber(new TestPattern(), 500), core,
                Stream.COHERENT);
        try (process; GuestRam ram = GuestRam.single(RAM, 1)) {
            try (VfioUserClient client = process.agreed()) {
                assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file()))
                        .isZero();
                try (GrabberDriver driver = new GrabberDriver(client)) {
                    driver.start(address, WIDTH);
                    driver.awaitPicture();
                    driver.acknowledge();
                    driver.awaitPicture();
                }
            }
            process.awaitGone();
        }
        return kept;
    }

    private static Told frame(long number) {
        return new Told(EventKind.FRAME, 0, 1, 0, number, 0, 0, 0);
    }

    @Test
    void eachLineIsACopyOfItsFrame() throws Exception {
        KeptTrace kept = grabTwo(true, ADDRESS);
        assertThat(kept.events()).extracting(Told::kind).containsOnly(EventKind.TRANSLATE, EventKind.COPY,
                EventKind.FRAME);
        assertThat(kept.events()).extracting(Told::attachment).containsOnly(1);
        assertThat(kept.names()).containsExactly(Map.entry(1, "grabber"));
        assertThat(kept.of(EventKind.TRANSLATE)).hasSameSizeAs(kept.of(EventKind.COPY)).allSatisfy(translated -> {
            assertThat(translated.bytes()).isEqualTo(WIDTH);
            assertThat(translated.nanos()).isPositive();
        });
        List<Told> events = kept.events().stream().filter(told -> told.kind() != EventKind.TRANSLATE).toList();
        int end = events.indexOf(frame(0));
        assertThat(end).isEqualTo(HEIGHT);
        assertThat(events.indexOf(frame(1))).isEqualTo(2 * HEIGHT + 1);
        assertThat(events.subList(0, end)).allSatisfy(copy -> {
            assertThat(copy.bytes()).isEqualTo(WIDTH);
            assertThat(copy.detail()).isEqualTo(FROM_DEVICE);
            assertThat(copy.nanos()).isPositive();
        });
        assertThat(events.get(1).from()).as("the even lines come first").isEqualTo(ADDRESS + 2 * WIDTH);
        assertThat(events.get(HEIGHT / 2).from()).as("then the odd ones").isEqualTo(ADDRESS + WIDTH);
    }

    @Test
    void anAccessThatFaultsIsTold() throws Exception {
        List<Told> events = grabTwo(true, RAM).events();
        assertThat(events.getFirst()).isEqualTo(new Told(EventKind.FAULT, 0, 1, 0, RAM, WIDTH, 0, 0));
        assertThat(events).extracting(Told::kind).doesNotContain(EventKind.COPY);
    }

    @ParameterizedTest
    @ValueSource(longs = { ADDRESS, RAM })
    void nobodyIsToldWhoDoesNotAsk(long address) throws Exception {
        assertThat(grabTwo(false, address).events()).isEmpty();
    }
}
