package sluice.vdev.vfg7350;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** The provider of the encoder card. */
public final class Vfg7350Provider implements DeviceProvider {
    /** At this rate a buffer of Linux's driver, 64 packets, takes 12 ms. */
    private static final int USUAL_BITS_PER_SECOND = 8_000_000;

    @Override
    public String name() {
        return "vfg7350";
    }

    @Override
    public String description() {
        return "An MPEG encoder card (RTD VFG7350), whose transport stream Linux's saa7134-empress captures.";
    }

    @Override
    public List<DeviceOption> options() {
        return List.of(
                new DeviceOption("pattern", "", "Send numbered null packets, the default: each byte can be checked."),
                new DeviceOption("file", "FILE",
                        "Send the packets of this file over and over: a transport stream (.ts)."),
                new DeviceOption("bit-rate", "N",
                        "Bits per second of the stream, 1000 to 1000000000 (default 8000000)."));
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        long rate = options.number("bit-rate", USUAL_BITS_PER_SECOND, 1000, 1_000_000_000);
        Path file = options.path("file");
        if (file != null && options.isGiven("pattern"))
            throw new WrongOptionException("pattern and file=FILE: give one of them");
        PacketSource source = new NumberedPackets();
        if (file != null) {
            PacketFile packets = PacketFile.open(file);
            environment.closeAtEnd(packets);
            source = packets;
        }
        Vfg7350 card = new Vfg7350(source, rate);
        card.register(environment.report());
        return new ProvidedDevice.Function(card);
    }
}
