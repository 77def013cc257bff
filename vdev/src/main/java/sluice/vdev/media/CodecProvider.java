package sluice.vdev.media;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Engines;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** The provider of the codec. */
public final class CodecProvider implements DeviceProvider {
    private static final int BYTES_PER_MIB = 1 << 20;
    /** What an encoder offers, the most usual first. */
    private static final List<Coding> ENCODED_FIRST = List.of(Coding.H264, Coding.VP8, Coding.VP9, Coding.AV1,
            Coding.MPEG2,
            Coding.MJPEG);
    private static final long NANOS_PER_MILLI = 1_000_000;

    @Override
    public String name() {
        return "codec";
    }

    @Override
    public String description() {
        return "A virtio-media device: a V4L2 stateful decoder, or encoder.";
    }

    @Override
    public List<DeviceOption> options() {
        return List.of(
                new DeviceOption("arena", "MIB",
                        "Memory for MMAP buffers, in MiB: a power of two, 1 to 4096 (default 256)."),
                new DeviceOption("codings", "NAME+NAME...",
                        "Only these, of mpeg2, h264, hevc, vp8, vp9, av1 and mjpeg (default: all that there are libraries for); a session begins with the first."),
                new DeviceOption("sessions", "N", "Sessions that may be open at once, 1 to 1024 (default 256)."),
                new DeviceOption("decode-limit", "MS",
                        "End a session whose decoder takes longer for one unit, 10 to 600000 ms (default 5000)."),
                new DeviceOption("encoder", "", "Encode instead of decoding."),
                new DeviceOption("test-coding", "",
                        "Also use Sluice's own test coding (SLPL), which needs no codec library."),
                new DeviceOption("virtio-id", "N",
                        "The device's id, 48 by default. Over vhost-user, QEMU 11.1's vhost-user-test-device-pci aborts on 42 to 44 and 46 to 49: give 31, and a driver for that id."));
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        long arena = options.number("arena", 256, 1, 4096);
        if (Long.bitCount(arena) != 1) throw new WrongOptionException("arena=" + arena + ": give a power of two");
        MediaOptions limits = new MediaOptions((int) options.number("virtio-id", MediaOptions.VIRTIO_ID, 1, 63),
                arena * BYTES_PER_MIB, (int) options.number("sessions", 256, 1, 1024),
                options.number("decode-limit", 5000, 10, 600_000) * NANOS_PER_MILLI);
        return new ProvidedDevice.Virtio(options.isGiven("encoder")
                ? MediaDevice.encoder(limits, encoded(options), environment)
                : MediaDevice.decoder(limits, formats(options), environment));
    }

    private static List<EncodedFormat> encoded(DeviceOptions options) throws IOException, WrongOptionException {
        List<EncodedFormat> found = new ArrayList<>();
        try {
            for (Coding coding : codings(options, ENCODED_FIRST))
                Engines.encoding(coding).ifPresent(engine -> found.add(EncodedFormat.of(coding, engine)));
        } catch (CodecException e) {
            throw new IOException(e.getMessage(), e);
        }
        if (options.isGiven("test-coding")) found.add(EncodedFormat.plain());
        if (found.isEmpty())
            throw new IOException(
                    "no codec library is on the class path, so nothing can be encoded: add Sluice's module vdev/codec, or give test-coding");
        return found;
    }

    /** Those that were asked for, in that order, or all. */
    static List<Coding> codings(DeviceOptions options, List<Coding> usual) throws WrongOptionException {
        String asked = options.text("codings");
        if (asked == null) return usual;
        List<Coding> codings = new ArrayList<>();
        for (String name : asked.split("\\+", -1)) {
            Coding found = null;
            for (Coding coding : Coding.values()) {
                if (coding.name().equals(name.toUpperCase(Locale.ROOT))) found = coding;
            }
            if (found == null || codings.contains(found))
                throw new WrongOptionException(
                        "codings=%s: give each once of mpeg2, h264, hevc, vp8, vp9, av1, mjpeg, with + between"
                                .formatted(asked));
            codings.add(found);
        }
        return codings;
    }

    private static List<CodedFormat> formats(DeviceOptions options) throws IOException, WrongOptionException {
        List<CodedFormat> found = new ArrayList<>();
        try {
            for (Coding coding : codings(options, List.of(Coding.values())))
                Engines.decoding(coding).ifPresent(engine -> found.add(CodedFormat.of(coding, engine)));
        } catch (CodecException e) {
            throw new IOException(e.getMessage(), e);
        }
        if (options.isGiven("test-coding")) found.add(CodedFormat.plain());
        if (found.isEmpty())
            throw new IOException(
                    "no codec library is on the class path, so nothing can be decoded: add Sluice's module vdev/codec, or give test-coding");
        return found;
    }
}
