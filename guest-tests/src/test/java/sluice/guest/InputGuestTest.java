package sluice.guest;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.feed.ControlScript;
import sluice.vdev.feed.InputProvider;
import sluice.vdev.input.InputKind;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A keyboard, a tablet and a touchscreen in a stock guest, whose shell is typed into and whose evdev nodes are read, over QEMU's
 * {@code vhost-user-input-pci} and over vfio-user. In the matrix only: {@code InputLoopbackTest} makes the same way without a guest.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class InputGuestTest extends MachineTest {
    /** How the devices reach the guest. */
    enum Transport {
        VHOST_USER("vhost-user"),
        VFIO_USER("vfio-user");

        private final String option;

        Transport(String option) {
            this.option = option;
        }
    }

    /** A machine: its QEMU, and the kernel of that QEMU's time. */
    record Configuration(Transport transport, TestQemu qemu) {
        @Override
        public String toString() {
            return "%s, %s".formatted(transport, qemu);
        }
    }

    /** Keys pressed and released without waiting: the kernel keeps 64 events for a reader, of which each of them has six. */
    private static final int AT_ONCE = 8;

    private static final Map<InputKind, ControlScript> SCRIPTS = new EnumMap<>(InputKind.class);

    private final TestGuest guest = machine();

    /** @param booted the machine that is there, for all tests of this class */
    InputGuestTest(@SuppressWarnings("unused") Configuration booted) {}

    static List<Configuration> configurations() {
        return Configurations.of(List.of(),
                List.of(new Configuration(Transport.VHOST_USER, TestQemu.QEMU_11)));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws Exception {
        GuestImage image = GuestImage.of(GuestKernel.forQemu(configuration.qemu.binary(), TestQemu.CACHE))
                .module("virtio_pci").module("virtio_input").module("evdev").compiled("evdev.c").build(TestQemu.CACHE);
        Path folder = Files.createTempDirectory("input");
        List<AutoCloseable> opened = new ArrayList<>();
        List<String> arguments = new ArrayList<>();
        for (InputKind kind : InputKind.values()) {
            Path control = folder.resolve(kind.name());
            String word = kind.name().toLowerCase(Locale.ROOT);
            ServedDevice device = new ServedDevice(new InputProvider(), "kind", word, "serial", "serial of " + word,
                    "control", control.toString(), "transport", configuration.transport.option);
            opened.add(device);
            ControlScript script = new ControlScript(control);
            opened.add(script);
            SCRIPTS.put(kind, script);
            arguments.addAll(switch (configuration.transport) {
                case VHOST_USER -> List.of("-chardev", "socket,id=%s,path=%s".formatted(word, device.socket()),
                        "-device", "vhost-user-input-pci,chardev=" + word);
                case VFIO_USER -> TestGuest.vfioUser(device.socket(), "");
            });
        }
        use(TestGuest.boot(() -> close(opened, folder), configuration.qemu.binary(), image, "", arguments));
    }

    private static void close(List<AutoCloseable> opened, Path folder) throws IOException {
        for (AutoCloseable one : opened) {
            try {
                one.close();
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException(e);
            }
        }
        Files.delete(folder);
    }

    private static ControlScript script(InputKind kind) {
        return Objects.requireNonNull(SCRIPTS.get(kind), "it was opened");
    }

    /** Runs a command in the guest; what it prints. */
    private List<String> output(String command) throws Exception {
        int before = guest.qemu().console().lines().size();
        guest.run(command);
        List<String> lines = guest.qemu().console().lines();
        return lines.subList(before, lines.size() - 1);
    }

    /** Sends lines to a device whose events a program in the guest prints; what it has printed of them. */
    private List<String> packets(InputKind kind, int count, String... lines) throws Exception {
        try (Reading reading = new Reading(kind, count)) {
            script(kind).send(lines);
            return reading.packets();
        }
    }

    /** A program in the guest that prints the events of a device. */
    private final class Reading implements AutoCloseable {
        private final String command;
        private final int before = guest.qemu().console().lines().size();
        private boolean ended;

        /** @param count of packets, after which it ends */
        Reading(InputKind kind, int count) throws Exception {
            command = "evdev '%s' %d".formatted(kind.title(), count);
            guest.qemu().console().send(command);
            guest.awaitLine("^SLUICE input ready$");
        }

        /** Waits until it has printed a packet. */
        void await(String packet) throws Exception {
            guest.awaitLine("^SLUICE packet %s$".formatted(packet));
        }

        /** All that it has printed, when it has ended. */
        List<String> packets() throws Exception {
            ended = true;
            guest.awaitExit(command, 0);
            return guest.qemu().console().lines().stream().skip(before)
                    .filter(line -> line.startsWith("SLUICE packet"))
                    .map(line -> line.substring("SLUICE packet ".length())).toList();
        }

        /** If a check has failed: it gives up by itself, and the guest takes the next command. */
        @Override
        public void close() throws IOException {
            try {
                if (!ended) guest.awaitLine("^SLUICE exit ");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("while the program in the guest was to end");
            }
        }
    }

    @Test
    @Order(1)
    void theKernelFindsOutWhatTheyAre() throws Exception {
        assertThat(output("evdev 'Sluice Keyboard' describe")).containsExactly(
                "SLUICE device serial \"serial of keyboard\" bus 6 vendor 0 product 1 version 1 keys 248 properties 0");
        assertThat(output("evdev 'Sluice Tablet' describe")).containsExactly(
                "SLUICE device serial \"serial of tablet\" bus 6 vendor 0 product 2 version 1 keys 5 properties 0",
                "SLUICE axis 0 from 0 to 32767", "SLUICE axis 1 from 0 to 32767");
        assertThat(output("evdev 'Sluice Touchscreen' describe")).containsExactly(
                "SLUICE device serial \"serial of touch\" bus 6 vendor 0 product 3 version 1 keys 1 properties 2",
                "SLUICE axis 0 from 0 to 32767", "SLUICE axis 1 from 0 to 32767", "SLUICE axis 47 from 0 to 9",
                "SLUICE axis 53 from 0 to 32767", "SLUICE axis 54 from 0 to 32767", "SLUICE axis 57 from 0 to 65535");
    }

    /** The shell on the first virtual console, whose keymap is the kernel's own. */
    @Test
    @Order(2)
    void aShellGetsWhatIsTyped() throws Exception {
        guest.run("setsid sh </dev/tty1 >/dev/tty1 2>&1 & true");
        String said = "The quick brown fox jumps over the lazy dog 0123456789 ~!@#%^&*()_+{}|:<>?-=[];,./";
        script(InputKind.KEYBOARD).send("text echo \"%s\" >/tmp/typed; echo done >/tmp/typed-done\\n".formatted(said),
                "sync");
        assertThat(script(InputKind.KEYBOARD).next()).isEqualTo("ok");
        assertThat(output("until [ -s /tmp/typed-done ]; do sleep 0.1; done; cat /tmp/typed")).containsExactly(said);
    }

    @Test
    @Order(3)
    void everyKeyArrives() throws Exception {
        // SysRq belongs to the kernel, and the locks switch lights.
        List<Integer> keys = IntStream.rangeClosed(1, 248)
                .filter(key -> key != 99 && key != 58 && key != 69 && key != 70)
                .boxed().toList();
        List<String> expected = keys.stream()
                .flatMap(key -> Stream.of("1 %d 1".formatted(key), "1 %d 0".formatted(key))).toList();
        try (Reading reading = new Reading(InputKind.KEYBOARD, expected.size())) {
            for (int first = 0; first < keys.size(); first += AT_ONCE) {
                List<Integer> some = keys.subList(first, Math.min(first + AT_ONCE, keys.size()));
                script(InputKind.KEYBOARD).send(some.stream()
                        .flatMap(key -> Stream.of("key %d 1".formatted(key), "key %d 0".formatted(key)))
                        .toArray(String[]::new));
                reading.await("1 %d 0".formatted(some.getLast()));
            }
            assertThat(reading.packets()).containsExactlyElementsOf(expected);
        }
    }

    @Test
    @Order(4)
    void thePointerIsWhereItIsPut() throws Exception {
        assertThat(packets(InputKind.TABLET, 6, "abs 1 32766", "abs 0 0 1920 1080", "abs 1919 1079 1920 1080",
                "button right 1", "scroll -1 3", "button right 0")).containsExactly("3 0 1 3 1 32766",
                        "3 0 8 3 1 15", "3 0 32759 3 1 32752", "1 273 1", "2 8 -1 2 6 3", "1 273 0");
    }

    @Test
    @Order(5)
    void fingersTouch() throws Exception {
        assertThat(packets(InputKind.TOUCH, 5, "touch 0 100 200", "touch 1 300 400", "touch 0 101 200", "touch 0 up",
                "touch 1 up")).containsExactly("3 57 0 3 53 100 3 54 200 1 330 1 3 0 100 3 1 200",
                        "3 47 1 3 57 1 3 53 300 3 54 400", "3 47 0 3 53 101 3 0 101", "3 57 -1",
                        "3 47 1 3 57 -1 1 330 0");
    }

    /** The kernel switches caps lock by itself; a program switches another. */
    @Test
    @Order(6)
    void lightsComeBack() throws Exception {
        ControlScript script = script(InputKind.KEYBOARD);
        script.send("key 58 1", "key 58 0");
        assertThat(script.next()).isEqualTo("led 1 1");
        script.send("key 58 1", "key 58 0");
        assertThat(script.next()).isEqualTo("led 1 0");
        guest.run("evdev 'Sluice Keyboard' led 2 1");
        assertThat(script.next()).isEqualTo("led 2 1");
    }

    @Test
    @Order(7)
    void aStoppedMachineGetsWhatWasTypedMeanwhile() throws Exception {
        try (Reading reading = new Reading(InputKind.KEYBOARD, 4)) {
            guest.qemu().qmp().execute("stop");
            script(InputKind.KEYBOARD).send("text ab");
            guest.qemu().qmp().execute("cont");
            assertThat(reading.packets()).containsExactly("1 30 1", "1 30 0", "1 48 1", "1 48 0");
        }
    }

    @Test
    @Order(8)
    void aRebootedGuestHasThemAgain() throws Exception {
        script(InputKind.KEYBOARD).send("key 30 1", "sync");
        awaitOk();
        guest.reboot();
        assertThat(packets(InputKind.KEYBOARD, 2, "text a")).as("the key that was pressed before the reboot")
                .containsExactly("1 30 1", "1 30 0");
        guest.run("rmmod virtio_input && insmod /modules/virtio_input.ko");
        assertThat(packets(InputKind.KEYBOARD, 2, "text b")).containsExactly("1 48 1", "1 48 0");
        guest.powerOff();
    }

    /** Lights may be told before the answer. */
    private static void awaitOk() {
        String line;
        do {
            line = script(InputKind.KEYBOARD).next();
            assertThat(line).matches("ok|led [0-4] [01]");
        } while (!line.equals("ok"));
    }
}
