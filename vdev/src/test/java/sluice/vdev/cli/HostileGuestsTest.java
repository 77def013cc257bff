package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;

import static org.assertj.core.api.Assertions.assertThat;

/** A process of eight GPUs, six of whose guests want all there is. */
@Tag("long")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class HostileGuestsTest {
    private static final long SEED = 20261129;
    private static final int GPUS = 8;
    private static final int HOSTILE = 6;
    private static final long MIB = 1 << 20;
    /** Of a list, each of which lies inside of a page: what costs the device most. */
    private static final int ENTRIES = 8192;
    private static final int RESOURCES = 16_384;

    @TempDir
    private Path folder;

    /** A guest of 64 MiB with a ring of 32,768. */
    private final class Guest implements AutoCloseable {
        private final GuestRam ram = GuestRam.single(64 * MIB, SEED);
        private final DeviceSession session;
        private final GpuDriver driver;

        Guest(int gpu, int ring) throws IOException {
            session = new DeviceSession(new FrontEnd(UnixSocket.connect(socket(gpu))), ram,
                    DeviceSession.Profile.qemu10(), ring, 16);
            session.attach();
            session.start();
            driver = new GpuDriver(session);
        }

        private List<Buffer> loose(int entries) {
            List<Buffer> list = new ArrayList<>();
            Buffer pages = ram.allocate(GuestRam.PAGE);
            for (int i = 0; i < entries; i++) list.add(new Buffer(pages.address() + 64L * (i % 64), 32));
            return list;
        }

        /** Returns what the last attempt was answered. */
        int takeAll() throws IOException {
            List<Buffer> large = loose(ENTRIES);
            List<Buffer> small = loose(1);
            int last = GpuWire.RESP_OK_NODATA;
            for (int id = 1; id <= RESOURCES; id++) {
                last = driver.createResource2d(id, GpuWire.FORMAT_B8G8R8X8, 1, 1).type();
                if (last != GpuWire.RESP_OK_NODATA) break;
                GpuResponse attached = driver.attachBacking(id, id <= 16 ? large : small);
                if (attached.type() == GpuWire.RESP_OK_NODATA) continue;
                last = attached.type();
                assertThat(last).as("a refusal").isEqualTo(GpuWire.RESP_ERR_OUT_OF_MEMORY);
            }
            return last;
        }

        void work() throws IOException {
            Buffer pages = ram.allocate(16 * GuestRam.PAGE);
            assertThat(driver.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, 128, 128).type())
                    .isEqualTo(GpuWire.RESP_OK_NODATA);
            assertThat(driver.attachBacking(1, List.of(pages)).type()).isEqualTo(GpuWire.RESP_OK_NODATA);
            assertThat(driver.transferToHost2d(1, new GpuRect(0, 0, 128, 128), 0).type())
                    .isEqualTo(GpuWire.RESP_OK_NODATA);
            assertThat(driver.unref(1).type()).isEqualTo(GpuWire.RESP_OK_NODATA);
        }

        @Override
        public void close() {
            session.close();
            ram.close();
        }
    }

    private Path socket(int gpu) {
        return folder.resolve("gpu" + gpu);
    }

    @Test
    void allAreAnsweredAndACleanOneIsServed() throws Exception {
        List<String> arguments = new ArrayList<>(List.of("serve"));
        for (int i = 0; i < GPUS; i++) arguments.add("--device=gpu,socket-path=" + socket(i));
        List<Guest> guests = new ArrayList<>();
        try (SluiceProgram program = SluiceProgram.start(folder, arguments.toArray(String[]::new))) {
            program.awaitLine("listening on " + socket(GPUS - 1));
            try (Guest clean = new Guest(GPUS - 1, 64)) {
                List<Integer> last = new ArrayList<>();
                for (int i = 0; i < HOSTILE; i++) {
                    guests.add(new Guest(i, 32_768));
                    last.add(guests.getLast().takeAll());
                    clean.work();
                }
                assertThat(last).as("what the last command of each was answered")
                        .contains(GpuWire.RESP_ERR_OUT_OF_MEMORY);
                clean.work();
            } finally {
                guests.forEach(Guest::close);
            }
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.errors()).doesNotContain("OutOfMemoryError");
        }
    }
}
