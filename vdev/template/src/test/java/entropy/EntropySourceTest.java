package entropy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.fixture.VirtioSession;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** The entropy source as a driver sees it, over either transport, without QEMU. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class EntropySourceTest {
    private static final long SEED = 42;
    private static final long RAM = 1 << 20;
    private static final int QUEUE_SIZE = 16;

    /** The transport. */
    private enum Transport {
        VHOST_USER,
        VFIO_USER
    }

    private static ServedDevice serve(Transport transport) throws Exception {
        return new ServedDevice(new EntropyProvider(), "seed", Long.toString(SEED), "transport",
                transport == Transport.VHOST_USER ? "vhost-user" : "vfio-user");
    }

    /** A guest with a running driver. */
    private static VirtioSession start(Transport transport, ServedDevice device, GuestRam ram) throws IOException {
        Profile qemu = Profile.qemu10();
        VirtioSession session = transport == Transport.VHOST_USER
                ? new DeviceSession(device.frontEnd(), ram,
                        new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false), QUEUE_SIZE)
                : new VirtioPciSession(device.client(), ram, VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM,
                        QUEUE_SIZE);
        session.attach();
        session.start(null);
        return session;
    }

    private static byte[] expected(Random random, int bytes) {
        byte[] drawn = new byte[EntropySource.MOST_BYTES];
        random.nextBytes(drawn);
        return Arrays.copyOf(drawn, bytes);
    }

    private static byte[] answer(ByteBuffer written) {
        byte[] bytes = new byte[written.remaining()];
        written.get(bytes);
        return bytes;
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void everyBufferIsFilled(Transport transport) throws Exception {
        Random random = new Random(SEED);
        ServedDevice device = serve(transport);
        try (GuestRam ram = GuestRam.single(RAM, 1); VirtioSession session = start(transport, device, ram)) {
            CommandQueue queue = new CommandQueue(session.queue(0), ram).pieces(1000);
            for (int bytes : new int[]{ 1, 64, 1000, EntropySource.MOST_BYTES }) {
                byte[] got = answer(queue.await(queue.send(ByteBuffer.allocate(0), bytes)));
                assertThat(got).as("%d bytes", bytes).isEqualTo(expected(random, bytes));
            }
            byte[] most = answer(queue.await(queue.send(ByteBuffer.allocate(0), 3 * EntropySource.MOST_BYTES)));
            assertThat(most).as("more than it gives at a time").isEqualTo(expected(random, EntropySource.MOST_BYTES));
        }
        assertThat(device.end()).contains("\"bytes\": " + (1 + 64 + 1000 + 2 * EntropySource.MOST_BYTES));
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void manyRequestsAreAnsweredInOrder(Transport transport) throws Exception {
        Random random = new Random(SEED);
        try (ServedDevice device = serve(transport);
                GuestRam ram = GuestRam.single(RAM, 1);
                VirtioSession session = start(transport, device, ram)) {
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            List<CommandQueue.Ticket> tickets = new ArrayList<>();
            for (int i = 0; i < 200; i++) tickets.add(queue.send(ByteBuffer.allocate(0), 16));
            for (CommandQueue.Ticket ticket : tickets)
                assertThat(answer(queue.await(ticket))).isEqualTo(expected(random, 16));
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void aDriverThatComesAgainIsServed(Transport transport) throws Exception {
        try (ServedDevice device = serve(transport)) {
            for (int round = 0; round < 3; round++) {
                try (GuestRam ram = GuestRam.single(RAM, 1); VirtioSession session = start(transport, device, ram)) {
                    CommandQueue queue = new CommandQueue(session.queue(0), ram);
                    assertThat(answer(queue.await(queue.send(ByteBuffer.allocate(0), 8)))).hasSize(8);
                }
            }
        }
    }
}
