package sluice.vdev.feed;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.InputSeats;
import sluice.vdev.host.HostLoop;
import sluice.vdev.input.InputDevice;
import sluice.vdev.input.InputKind;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** The provider of input devices, with their sources. */
public final class InputProvider implements DeviceProvider {
    private static final int MOST_SERIAL_BYTES = 128;

    @Override
    public String name() {
        return "input";
    }

    @Override
    public String description() {
        return "A virtio keyboard, tablet or touchscreen.";
    }

    @Override
    public List<DeviceOption> options() {
        return List.of(
                new DeviceOption("kind", "KIND",
                        "keyboard (default), tablet (a pointer with absolute positions, five buttons and a wheel), or touch (a touchscreen for ten fingers)."),
                new DeviceOption("seat", "NAME",
                        "The seat of the device (default " + InputSeats.DEFAULT
                                + "): the viewers of a screen send input to all devices of their seat. Give each VM of a process its own."),
                new DeviceOption("evdev", "NODE",
                        "Send the input of this node of the host, such as /dev/input/event3, to the guest. A mouse moves a tablet's pointer on a screen of 1920x1080. May be repeated.",
                        true),
                new DeviceOption("grab", "", "Take the nodes of evdev= for the guest alone (EVIOCGRAB)."),
                new DeviceOption("control", "PATH",
                        "Take commands on this UNIX socket, one on a line: " + ControlCommand.WORDS + "."),
                new DeviceOption("serial", "TEXT", "The device's serial number, up to 128 bytes (default: none)."));
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        if (options.isGiven("grab") && !options.isGiven("evdev"))
            throw new WrongOptionException("grab: there is nothing to take without evdev=");
        InputKind kind = kind(options.text("kind"));
        InputDevice device = new InputDevice(kind, serial(options.text("serial")), environment);
        Runnable leave = environment.seats().join(seat(options.text("seat")), device::open);
        environment.closeAtEnd(leave::run);
        IoEventLoop loop = HostLoop.of(environment.loop()).events();
        for (String node : options.texts("evdev")) {
            EvdevReader reader = EvdevReader.open(Path.of(node), options.isGiven("grab"), device, loop);
            environment.closeAtEnd(reader);
        }
        Path control = options.path("control");
        if (control != null) environment.closeAtEnd(ControlSocket.open(control, device, loop));
        return new ProvidedDevice.Virtio(device);
    }

    private static InputKind kind(@Nullable String given) throws WrongOptionException {
        if (given == null) return InputKind.KEYBOARD;
        for (InputKind kind : InputKind.values()) {
            if (word(kind).equals(given)) return kind;
        }
        throw new WrongOptionException("kind=%s: give %s".formatted(given,
                Arrays.stream(InputKind.values()).map(InputProvider::word).collect(Collectors.joining(", "))));
    }

    /** As the option says it. */
    static String word(InputKind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private static String seat(@Nullable String given) throws WrongOptionException {
        if (given == null) return InputSeats.DEFAULT;
        if (given.matches("[A-Za-z0-9_.-]{1,64}")) return given;
        throw new WrongOptionException("seat=%s: give up to 64 letters, digits, hyphens, dots or underscores"
                .formatted(given));
    }

    private static String serial(@Nullable String given) throws WrongOptionException {
        if (given == null) return "";
        if (given.getBytes(StandardCharsets.UTF_8).length <= MOST_SERIAL_BYTES) return given;
        throw new WrongOptionException("serial: longer than %d bytes".formatted(MOST_SERIAL_BYTES));
    }
}
