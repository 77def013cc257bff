package sluice.vdev.serve;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.grabber.GrabberProvider;
import sluice.vdev.profile.Profile;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.profile.guest.GuestClock;
import sluice.vdev.profile.guest.GuestMatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** What a guest's kernel tells the witness is in a profile of its process, on our clock. The test is QEMU and the guest's module. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class WitnessTraceLoopbackTest {
    private static final long RAM = 32L << 20;
    private static final long MESSAGE = 1L << 20;
    private static final int PAGE_LOW = 0x08;
    private static final int DOORBELL = 0x10;
    private static final int HELLO = 1;
    private static final int CPU_BEGIN = 8;
    private static final int CALLS = 300;
    /** By which the guest's clock is ahead. */
    private static final long AHEAD = 987_654_321_000L;

    @TempDir
    private Path folder;

    private static int tell(VfioUserClient witness, GuestRam ram, int sequence, int operation, String call)
            throws IOException {
        ByteBuffer message = ByteBuffer.allocate(136).order(ByteOrder.LITTLE_ENDIAN);
        message.putInt(0, sequence).putInt(4, operation).putInt(20, 1);
        message.position(72).put("0000:00:05.0".getBytes(StandardCharsets.US_ASCII));
        message.position(100).put(call.getBytes(StandardCharsets.US_ASCII));
        message.putLong(48, System.nanoTime() + AHEAD);
        MemorySegment.copy(message.array(), 0, ram.memory(), ValueLayout.JAVA_BYTE, MESSAGE, message.capacity());
        return witness.read32(0, DOORBELL);
    }

    @Test
    void aGuestsCallsAreOnOurClock() throws Exception {
        ProfileFolder files = new ProfileFolder(folder.resolve("profile"));
        files.create();
        Findings findings = new Findings();
        try (FlightRecorder recorder = FlightRecorder.start(new RecorderOptions(files.recording(), 4096, 1 << 16))) {
            assertThat(recorder.awaitOpen()).isTrue();
            DmaCore core = DmaCore.open(DmaCoreOptions.counting().withTrace(recorder), findings);
            try (WitnessedProcess process = new WitnessedProcess(core, findings, new GrabberProvider(), Map.of());
                    GuestRam ram = GuestRam.single(RAM, 1);
                    VfioUserClient witness = new VfioUserClient(UnixSocket.connect(process.sockets().getFirst()))) {
                witness.agree();
                witness.write32(VfioUserClient.CONFIG_REGION, 4, 6);
                assertThat(witness.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file()))
                        .isZero();
                witness.write32(0, PAGE_LOW, (int) MESSAGE);
                witness.write32(0, PAGE_LOW + 4, 0);
                assertThat(tell(witness, ram, 1, HELLO, "probe")).isEqualTo(1);
                for (int i = 2; i <= CALLS; i++)
                    assertThat(tell(witness, ram, i, CPU_BEGIN, "dma_buf_begin_cpu_access")).isEqualTo(i);
            }
        }
        Profile profile = files.write(java.util.List.of());
        GuestMatch guest = Objects.requireNonNull(profile.guest());
        assertThat(guest.problems()).isEmpty();
        assertThat(guest.notes()).isEmpty();
        assertThat(guest.calls()).isEqualTo(CALLS);
        GuestClock clock = Objects.requireNonNull(guest.clock());
        for (long at : new long[]{ clock.start(), clock.start() + clock.span() })
            assertThat((double) clock.guest(at) - at - AHEAD).isCloseTo(0, within(clock.uncertainty() + 2));
        assertThat(clock.uncertainty()).isLessThan(5e6);
        assertThat(files.report()).content().contains("its kernel has told the witness of 300",
                "from the order of these calls alone");
        ByteArrayOutputStream trace = new ByteArrayOutputStream();
        Files.copy(files.trace(), trace);
        assertThat(trace.toString(StandardCharsets.ISO_8859_1)).contains("Guest", "DMA calls",
                "calls of the guest's kernel", "dma_buf_begin_cpu_access 0000:00:05.0");
    }
}
