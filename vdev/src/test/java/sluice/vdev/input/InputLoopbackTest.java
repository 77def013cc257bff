package sluice.vdev.input;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.device.InputSeats;
import sluice.vdev.feed.ControlScript;
import sluice.vdev.feed.InputProvider;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciRegisters;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.fixture.VirtioSession;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.rfb.RfbLimits;
import sluice.vdev.rfb.RfbSecurity;
import sluice.vdev.rfb.RfbServer;
import sluice.vdev.rfb.ViewedGpu;
import sluice.vdev.rfb.VncClient;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** Input devices as a driver sees them over either transport, fed by a script. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class InputLoopbackTest {
    private static final long RAM = 1 << 20;
    /** As many buffers as QEMU's vhost-user-input-pci lets a driver have. */
    private static final int QUEUE_SIZE = 4;
    /** Packets of two events that are kept: 1024 events wait for the loop and 64 for a buffer, half a pair may not fit. */
    private static final int LEAST_KEPT = (1024 + 64) / 2 - 1;

    @TempDir
    private Path folder = Path.of("");

    /** The transport. */
    enum Transport {
        VHOST_USER("vhost-user"),
        VFIO_USER("vfio-user");

        private final String option;

        Transport(String option) {
            this.option = option;
        }
    }

    /** A guest with a driver: it lends buffers for events one by one, and keeps what it has seen. */
    private static final class Guest implements AutoCloseable {
        private final GuestRam ram;
        private final VirtioSession session;
        private CommandQueue events;
        private final Deque<CommandQueue.Ticket> lent = new ArrayDeque<>();
        private SeenInput seen = new SeenInput();

        Guest(Transport transport, ServedDevice device) throws IOException {
            ram = GuestRam.single(RAM, 1);
            Profile qemu = Profile.qemu10();
            session = transport == Transport.VHOST_USER
                    ? new DeviceSession(device.frontEnd(), ram,
                            new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false), QUEUE_SIZE,
                            QUEUE_SIZE)
                    : new VirtioPciSession(device.client(), ram,
                            VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, QUEUE_SIZE, QUEUE_SIZE);
            session.attach();
            events = new CommandQueue(session.queue(0), ram);
        }

        void start() throws IOException {
            session.start(null);
        }

        /** Lends buffers until the queue is full. */
        void lend() throws IOException {
            while (lent.size() < QUEUE_SIZE)
                lent.add(events.send(ByteBuffer.allocate(0), 8));
        }

        /** Takes events until so many packets have been seen. */
        SeenInput see(int packets) throws IOException {
            while (seen.packets.size() < packets) {
                lend();
                ByteBuffer event = events.await(lent.remove());
                assertThat(event.remaining()).isEqualTo(8);
                seen.take(Short.toUnsignedInt(event.getShort()), Short.toUnsignedInt(event.getShort()), event.getInt());
            }
            return seen;
        }

        /** Sends an event to the device, such as a light. */
        void status(int type, int code, int value) throws IOException {
            CommandQueue status = new CommandQueue(session.queue(1), ram);
            ByteBuffer event = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putShort((short) type)
                    .putShort((short) code).putInt(value).flip();
            assertThat(status.await(status.send(event, 0)).remaining()).isZero();
        }

        /** The driver goes and comes back. */
        void reset() throws IOException {
            session.reset();
            events.forget();
            lent.clear();
            events = new CommandQueue(session.queue(0), ram);
            seen = new SeenInput();
        }

        /** As a driver asks: two writes of a byte, and reads. */
        byte[] ask(int select, int subsel) throws IOException {
            return switch (session) {
                case DeviceSession vhost -> {
                    // QEMU writes all of it, with what it read last behind the bytes that the guest has written.
                    byte[] all = config(vhost);
                    all[0] = (byte) select;
                    vhost.frontEnd().setConfig(0, all);
                    all[1] = (byte) subsel;
                    vhost.frontEnd().setConfig(0, all);
                    byte[] answer = config(vhost);
                    yield Arrays.copyOfRange(answer, 8, 8 + answer[2]);
                }
                case VirtioPciSession pci -> {
                    VirtioPciRegisters registers = pci.registers();
                    registers.put(VirtioPciRegisters.DEVICE, 0, 1, select);
                    registers.put(VirtioPciRegisters.DEVICE, 1, 1, subsel);
                    byte[] answer = new byte[registers.get(VirtioPciRegisters.DEVICE, 2, 1)];
                    for (int i = 0; i < answer.length; i++)
                        answer[i] = (byte) registers.get(VirtioPciRegisters.DEVICE, 8 + i, 1);
                    yield answer;
                }
            };
        }

        private static byte[] config(DeviceSession vhost) throws IOException {
            Optional<byte[]> all = vhost.frontEnd().getConfig(0, 136);
            return all.orElseThrow();
        }

        @Override
        public void close() {
            session.close();
            ram.close();
        }
    }

    private ServedDevice serve(Transport transport, String kind) throws Exception {
        return new ServedDevice(new InputProvider(), "kind", kind, "transport", transport.option, "control",
                control().toString());
    }

    private Path control() {
        return folder.resolve("control");
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void theDriverFindsOutWhatItIs(Transport transport) throws Exception {
        try (ServedDevice device = serve(transport, "tablet"); Guest guest = new Guest(transport, device)) {
            assertThat(new String(guest.ask(1, 0), StandardCharsets.UTF_8)).isEqualTo("Sluice Tablet");
            assertThat(guest.ask(0x12, 1)).hasSize(20).startsWith(0, 0, 0, 0, 0xff, 0x7f, 0, 0);
            assertThat(guest.ask(0x12, 7)).isEmpty();
            guest.start();
            assertThat(guest.ask(3, 0)).containsExactly(6, 0, 0, 0, 2, 0, 1, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void typedTextArrivesInOrder(Transport transport) throws Exception {
        String text = "Hello, World! ".repeat(10) + "\\n";
        ServedDevice device = serve(transport, "keyboard");
        int packets;
        try (Guest guest = new Guest(transport, device); ControlScript script = new ControlScript(control())) {
            script.send("key 30 1");
            assertThat(script.next()).isEqualTo("error: no driver runs in the guest; nothing was sent");
            guest.start();
            script.send("text " + text, "sync");
            // Per character a press and a release; H, W and ! are shifted.
            packets = 2 * (14 * 10 + 1) + 2 * 3 * 10;
            SeenInput seen = guest.see(packets);
            assertThat(seen.keys.isEmpty()).isTrue();
            assertThat(script.next()).isEqualTo("ok");
            assertThat(seen.packets.subList(0, 6)).containsExactly("key 42 1", "key 35 1", "key 35 0", "key 42 0",
                    "key 18 1", "key 18 0");
            assertThat(seen.packets.subList(packets - 2, packets)).containsExactly("key 28 1", "key 28 0");
        }
        assertThat(device.end()).contains("\"packets\": " + packets).doesNotContain("queueFull");
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void thePointerIsWhereTheScriptPutsIt(Transport transport) throws Exception {
        try (ServedDevice device = serve(transport, "tablet");
                Guest guest = new Guest(transport, device);
                ControlScript script = new ControlScript(control())) {
            guest.start();
            script.send("abs 100 200", "abs 799 0 800 600", "button left 1", "scroll -1 2", "button left 0", "sync");
            assertThat(guest.see(5).packets).containsExactly("abs 0 100, abs 1 200", "abs 0 32747, abs 1 27",
                    "abs 0 32747, abs 1 27, key 272 1", "rel 8 -1, rel 6 2", "abs 0 32747, abs 1 27, key 272 0");
            assertThat(script.next()).isEqualTo("ok");
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void fingersTouchAndLeave(Transport transport) throws Exception {
        try (ServedDevice device = serve(transport, "touch"); Guest guest = new Guest(transport, device)) {
            guest.start();
            try (ControlScript script = new ControlScript(control())) {
                script.send("touch 0 10 20", "touch 4 30 40", "touch 0 up", "sync");
                guest.see(3);
                assertThat(script.next()).isEqualTo("ok");
                assertThat(guest.seen.fingers).containsOnlyKeys(1);
                assertThat(guest.seen.fingers.get(1)).containsExactly(1, 30, 40);
            }
            // The script has ended, and its finger leaves the screen.
            guest.see(4);
            assertThat(guest.seen.fingers).isEmpty();
            assertThat(guest.seen.keys.isEmpty()).isTrue();
        }
    }

    /** A viewer that holds keys is cut off in the middle of its next message, and another goes on. */
    @ParameterizedTest
    @EnumSource(Transport.class)
    void keysOfAViewerThatEndsAreReleased(Transport transport) throws Exception {
        try (ServedDevice device = serve(transport, "keyboard");
                Guest guest = new Guest(transport, device);
                GpuBackEnd gpu = GpuBackEnd.viewed(GpuOptions.defaults());
                RfbServer server = RfbServer.open("gpu", gpu.viewedDisplay(), 1, ViewedGpu.ANY_PORT, RfbSecurity.NONE,
                        RfbLimits.DEFAULT,
                        viewer -> device.seats().open(InputSeats.DEFAULT, viewer));
                VncClient other = VncClient.open(server.addresses().getFirst())) {
            guest.start();
            try (VncClient client = VncClient.open(server.addresses().getFirst())) {
                client.key('a', true);
                guest.see(1);
                other.key('b', true);
                guest.see(2);
                client.key('c', true);
                guest.see(3);
                client.cutOff();
            }
            assertThat(guest.see(5).packets.subList(0, 3)).containsExactly("key 30 1", "key 48 1", "key 46 1");
            assertThat(guest.seen.packets.subList(3, 5)).containsExactlyInAnyOrder("key 30 0", "key 46 0");
            assertThat(guest.seen.keys.get(48)).as("what the other viewer holds").isTrue();
            other.key('b', false);
            assertThat(guest.see(6).packets.getLast()).isEqualTo("key 48 0");
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void lightsAreTold(Transport transport) throws Exception {
        ServedDevice device = serve(transport, "keyboard");
        try (Guest guest = new Guest(transport, device); ControlScript script = new ControlScript(control())) {
            guest.start();
            script.send("sync");
            assertThat(script.next()).as("the script is connected").isEqualTo("ok");
            guest.status(0x11, 1, 1);
            assertThat(script.next()).isEqualTo("led 1 1");
            guest.status(0x11, 1, 1);
            guest.status(0x11, 9, 1);
            guest.status(0x14, 0, 250);
            guest.status(0x11, 0, 1);
            assertThat(script.next()).as("the others change no light").isEqualTo("led 0 1");
            try (ControlScript late = new ControlScript(control())) {
                assertThat(List.of(late.next(), late.next())).containsExactly("led 0 1", "led 1 1");
            }
            guest.status(0x11, 0, 0);
            assertThat(script.next()).isEqualTo("led 0 0");
            guest.reset();
            if (transport == Transport.VFIO_USER) assertThat(script.next()).as("a reset").isEqualTo("led 1 0");
        }
        assertThat(device.end()).contains("\"status\": 6");
    }

    /** A driver that goes gets nothing of what was typed for it, and the next one begins with no key pressed. */
    @ParameterizedTest
    @EnumSource(Transport.class)
    void theNextDriverBeginsAnew(Transport transport) throws Exception {
        try (ServedDevice device = serve(transport, "keyboard");
                Guest guest = new Guest(transport, device);
                ControlScript script = new ControlScript(control())) {
            for (int round = 0; round < 3; round++) {
                guest.start();
                script.send("key 30 1");
                assertThat(guest.see(1).packets).containsExactly("key 30 1");
                script.send("key 31 1", "key 32 1");
                guest.see(2);
                guest.reset();
            }
        }
    }

    /** Without buffers the queue holds its limit, and no press without its release. */
    @ParameterizedTest
    @EnumSource(Transport.class)
    void aDriverThatTakesNothingCostsPacketsAndNoStuckKey(Transport transport) throws Exception {
        ServedDevice device = serve(transport, "keyboard");
        try (Guest guest = new Guest(transport, device); ControlScript script = new ControlScript(control())) {
            guest.start();
            for (int i = 0; i < 2000; i++) script.send("key 30 1", "key 30 0");
            script.send("nonsense");
            assertThat(script.next()).as("a script is not held up").startsWith("error: unknown command");
            guest.see(LEAST_KEPT);
            script.send("sync");
            assertThat(script.next()).as("nothing waits any longer").isEqualTo("ok");
        }
        Matcher packets = Pattern.compile("\"packets\": ([0-9]+)").matcher(device.end());
        assertThat(packets.find()).isTrue();
        assertThat(Integer.parseInt(packets.group(1))).isBetween(LEAST_KEPT, LEAST_KEPT + 1);
    }
}
