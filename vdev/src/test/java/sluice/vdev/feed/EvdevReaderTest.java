package sluice.vdev.feed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.Evdev;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SocketMessage;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.host.HostLoop;
import sluice.vdev.input.InputDevice;
import sluice.vdev.input.InputKind;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** A node of the host, played by a socket, is read by the loop of a device and reaches its driver. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class EvdevReaderTest {
    private Evdev keyboard;
    private ServedDevice served;
    private GuestRam ram;
    private VirtioPciSession session;
    private CommandQueue events;

    /** Serves a keyboard that is fed by one end of a socket. */
    private static final class Feeding implements DeviceProvider {
        private final AtomicReference<@Nullable Fd> socket;

        Feeding(Fd socket) {
            this.socket = new AtomicReference<>(socket);
        }

        @Override
        public String name() {
            return "fed";
        }

        @Override
        public String description() {
            return "A keyboard.";
        }

        @Override
        public List<DeviceOption> options() {
            return List.of();
        }

        @Override
        public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) {
            InputDevice device = new InputDevice(InputKind.KEYBOARD, "", environment);
            Evdev node = Evdev.of(Objects.requireNonNull(socket.getAndSet(null)), EvdevReader.EVENTS);
            environment.closeAtEnd(EvdevReader.of("a socket", node, new EvdevReader.Axes(null, null), device,
                    HostLoop.of(environment.loop()).events()));
            return new ProvidedDevice.Virtio(device);
        }
    }

    @BeforeEach
    void start() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        keyboard = Evdev.of(pair.second(), 1);
        served = new ServedDevice(new Feeding(pair.first()), "transport", "vfio-user");
        ram = GuestRam.single(1 << 20, 1);
        session = new VirtioPciSession(served.client(), ram,
                VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 4);
        session.attach();
        session.start(null);
        events = new CommandQueue(session.queue(0), ram);
    }

    @AfterEach
    void end() {
        session.close();
        ram.close();
        served.close();
        keyboard.close();
    }

    private void key(int code, int value) throws IOException {
        keyboard.write(1, code, value);
        keyboard.write(0, 0, 0);
    }

    private void requireEvent(int type, int code, int value) throws IOException {
        ByteBuffer event = events.await(events.send(ByteBuffer.allocate(0), 8));
        assertThat(List.of((int) event.getShort(), (int) event.getShort(), event.getInt()))
                .containsExactly(type, code, value);
    }

    private void requireKey(int code, int value) throws IOException {
        requireEvent(1, code, value);
        requireEvent(0, 0, 0);
    }

    @Test
    void keysReachTheDriver() throws Exception {
        for (int code = 1; code < 100; code++) {
            key(code, 1);
            key(code, 2);
            key(code, 0);
            requireKey(code, 1);
            requireKey(code, 0);
        }
    }

    @Test
    void whatIsHeldIsReleasedWhenTheNodeGoes() throws Exception {
        key(29, 1);
        key(46, 1);
        keyboard.close();
        requireKey(29, 1);
        requireKey(46, 1);
        requireKey(29, 0);
        requireKey(46, 0);
    }

    @Test
    void whatIsHeldIsReleasedWhenTheHostLosesEvents() throws Exception {
        key(29, 1);
        keyboard.write(0, 3, 0);
        key(46, 1);
        key(47, 1);
        requireKey(29, 1);
        requireKey(29, 0);
        requireKey(47, 1);
    }

    @Test
    void partsOfEventsEndTheReading() throws Exception {
        key(29, 1);
        requireKey(29, 1);
        sendByte();
        requireKey(29, 0);
    }

    private void sendByte() throws IOException {
        try (SocketMessage message = new SocketMessage(1)) {
            message.add(Arena.ofAuto().allocate(1), 0, 1);
            assertThat(message.send(keyboard.fd())).isEqualTo(1);
        }
    }
}
