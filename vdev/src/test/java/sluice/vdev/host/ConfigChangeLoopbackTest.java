package sluice.vdev.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.TestDevice;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.queue.Chain;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** A device that changes its configuration space, and how its driver hears of that. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ConfigChangeLoopbackTest {
    private static final int QUEUE_SIZE = 16;
    private static final int RAM = 1 << 20;

    /** Its configuration is one byte; each request changes it as often as the request's byte says. */
    private static final class Changing extends TestDevice {
        private volatile byte config;

        Changing() {
            super(1);
        }

        @Override
        public int configSize() {
            return 1;
        }

        @Override
        public void readConfig(int offset, byte[] target) {
            if (offset == 0 && target.length > 0) target[0] = config;
        }

        @Override
        public void writeConfig(int offset, byte[] value) {
            throw new AssertionError("it is read-only");
        }

        @Override
        protected void execute(int index, Chain chain) {
            byte[] times = new byte[1];
            chain.readable().copyTo(0, times, 0, 1);
            for (int i = 0; i < times[0]; i++) {
                config = (byte) (config + 1);
                context().configChanged();
            }
            chain.respond(times, 0);
        }
    }

    private static ServedDevice serve(String transport) throws Exception {
        return new ServedDevice("changing", new Changing(), "transport", transport);
    }

    private static void change(CommandQueue queue, int times) throws IOException {
        queue.await(queue.send(ByteBuffer.wrap(new byte[]{ (byte) times }), 1));
    }

    @Test
    void overVhostUserOneMessageIsUnderWayAndOneFollows() throws Exception {
        Profile qemu = Profile.qemu10();
        try (ServedDevice device = serve("vhost-user");
                GuestRam ram = GuestRam.single(RAM, 1);
                DeviceSession session = new DeviceSession(device.frontEnd(), ram,
                        new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false), QUEUE_SIZE)) {
            session.realize();
            session.start();
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            change(queue, 1);
            BackEndChannel.Request first = session.channel().receive(Deadline.USUAL);
            assertThat(first.request()).isEqualTo(BackEndChannel.CONFIG_CHANGE);
            assertThat(first.payload().remaining()).isZero();
            change(queue, 100); // while nobody has answered the first
            session.channel().reply(first, 0);
            BackEndChannel.Request second = session.channel().receive(Deadline.USUAL);
            assertThat(second.request()).isEqualTo(BackEndChannel.CONFIG_CHANGE);
            session.channel().reply(second, 0);
            assertThat(session.frontEnd().getConfig(0, 1).orElseThrow()).containsExactly((byte) 101);
            // Answered after all earlier messages: there is not a third one.
            change(queue, 1);
            BackEndChannel.Request third = session.channel().receive(Duration.ofSeconds(5));
            assertThat(third.request()).isEqualTo(BackEndChannel.CONFIG_CHANGE);
            assertThat(session.frontEnd().getConfig(0, 1).orElseThrow()).containsExactly((byte) 102);
        }
    }

    @Test
    void overPciItIsAnInterruptAndAnotherGeneration() throws Exception {
        try (ServedDevice device = serve("vfio-user");
                GuestRam ram = GuestRam.single(RAM, 1);
                VirtioPciSession session = new VirtioPciSession(device.client(), ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, QUEUE_SIZE)) {
            session.attach();
            session.start(null);
            int before = session.registers().configGeneration();
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            change(queue, 3);
            assertThat(session.configurationChanged()).isTrue();
            assertThat(session.registers().configGeneration()).isNotEqualTo(before);
            assertThat(session.configurationChanged()).as("it is told once").isFalse();
        }
    }
}
