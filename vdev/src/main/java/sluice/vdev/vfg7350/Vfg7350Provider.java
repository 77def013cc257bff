package sluice.vdev.vfg7350;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Engines;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.video.ExportedPicture;
import sluice.vdev.video.FrameFile;
import sluice.vdev.video.FrameSource;
import sluice.vdev.video.TestPattern;

/** The provider of the encoder card. */
public final class Vfg7350Provider implements DeviceProvider {
    private static final String PATTERN = "pattern";
    private static final String NUMBERED = "numbered";
    private static final String FILE = "file";
    private static final String BIT_RATE = "bit-rate";
    private static final String NO_CODEC = "no codec is built; --codec builds one (vdev/codec/README.md)";
    /** At this rate a buffer of Linux's driver, 64 packets, takes 12 ms. */
    private static final int USUAL_BITS_PER_SECOND = 8_000_000;
    private static final Logger LOG = LoggerFactory.getLogger(Vfg7350Provider.class);

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
                new DeviceOption(PATTERN, "",
                        "Encode a moving test pattern with the driver's settings; the default if a codec is built (--codec)."),
                new DeviceOption(NUMBERED, "",
                        "Send numbered null packets, of which each byte can be checked; the default without a codec."),
                new DeviceOption(FILE, "FILE",
                        "Encode the pictures of this file (.y4m) in a loop, or send its packets as they are (.ts)."),
                new DeviceOption(BIT_RATE, "N",
                        "Bits per second of packets that are not encoded, 1000 to 1000000000 (default 8000000); the driver sets that of encoded ones."),
                // Told why not, not listed.
                DeviceOption.hidden(ExportedPicture.NAME, ExportedPicture.OPTION.value()));
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        if (options.isGiven(ExportedPicture.NAME))
            throw new WrongOptionException(
                    "export: this card writes packets of a transport stream, of which another device has no picture; grabber and tw686x export theirs");
        long rate = options.number(BIT_RATE, USUAL_BITS_PER_SECOND, 1000, 1_000_000_000);
        PacketSource source = open(options, environment);
        if (source instanceof EncodedPackets && options.isGiven(BIT_RATE))
            throw new WrongOptionException(
                    "bit-rate: the driver sets the rate of encoded pictures; give it with numbered or file=FILE.ts");
        Vfg7350 card = new Vfg7350(source, rate);
        card.register(environment.report());
        return new ProvidedDevice.Function(card);
    }

    private static PacketSource open(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        if (Stream.of(PATTERN, NUMBERED, FILE).filter(options::isGiven).count() > 1)
            throw new WrongOptionException("pattern, numbered and file=FILE: give one of them");
        if (options.isGiven(NUMBERED)) return new NumberedPackets();
        Path file = options.path(FILE);
        try {
            Optional<CodecEngine> engine = Engines.encoding(Coding.MPEG2);
            if (file != null) return ofFile(file, engine, environment);
            if (engine.isPresent()) return encoded(new TestPattern(), engine.get(), environment);
            if (options.isGiven(PATTERN)) throw new IOException("the pattern cannot be encoded: " + NO_CODEC);
            LOG.info("{} sends numbered null packets: {}", environment.name(), NO_CODEC);
            return new NumberedPackets();
        } catch (CodecException e) {
            throw new IOException("pictures cannot be encoded: %s; numbered needs no codec".formatted(e.getMessage()),
                    e);
        }
    }

    private static PacketSource ofFile(Path file, Optional<CodecEngine> engine, DeviceEnvironment environment)
            throws IOException, CodecException {
        if (!FrameFile.isPictures(file)) {
            PacketFile packets = PacketFile.open(file);
            environment.closeAtEnd(packets);
            return packets;
        }
        if (engine.isEmpty()) throw new IOException("%s cannot be encoded: %s".formatted(file, NO_CODEC));
        FrameFile pictures = FrameFile.open(file);
        environment.closeAtEnd(pictures);
        return encoded(pictures, engine.get(), environment);
    }

    private static PacketSource encoded(FrameSource pictures, CodecEngine engine, DeviceEnvironment environment)
            throws CodecException {
        LOG.info("{} encodes with {}", environment.name(), engine.name());
        EncodedPackets packets = new EncodedPackets(pictures, engine, environment.workers());
        environment.closeAtEnd(packets);
        return packets;
    }
}
