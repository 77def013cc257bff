package sluice.vdev.tw686x;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.video.ExportedPicture;
import sluice.vdev.video.SourceOptions;

/** The provider of the capture card. */
public final class Tw686xProvider implements DeviceProvider {
    private static final int MOST_FRAMES = 1000;

    @Override
    public String name() {
        return "tw686x";
    }

    @Override
    public String description() {
        return "A capture card of 4 or 8 channels (Techwell TW6864 to TW6869, grey, 720x480 or 720x576).";
    }

    @Override
    public List<DeviceOption> options() {
        return Stream.concat(SourceOptions.all().stream(), Stream.of(
                new DeviceOption("chip", "N", "6864, 6865 or 6868, of 4 channels, or 6869, of 8 (default)."),
                new DeviceOption("standard", "NAME", "What decoders detect: ntsc (default) or pal."),
                new DeviceOption("fps", "N",
                        "Pictures per second of each channel, 1 to 1000 (default: 25 or 30, as the driver's standard has)."),
                new DeviceOption("hold", "",
                        "Fill a buffer once only for each time that the driver gives it; the real card fills it again. Not for dma_mode=memcpy."),
                ExportedPicture.OF_CHANNELS))
                .toList();
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        int framesPerSecond = options.isGiven("fps") ? (int) options.number("fps", 0, 1, MOST_FRAMES) : 0;
        Chip chip = chip(options.text("chip"));
        Tw686x card = new Tw686x(chip, SourceOptions.open(options, environment), framesPerSecond,
                isPal(options.text("standard")), options.isGiven("hold"));
        card.export(ExportedPicture.ofChannels(options, environment, card.config(), chip.channels()));
        card.register(environment.report());
        return new ProvidedDevice.Function(card);
    }

    private static Chip chip(@Nullable String label) throws WrongOptionException {
        if (label == null) return Chip.TW6869;
        return Arrays.stream(Chip.values()).filter(chip -> chip.label().equals(label)).findFirst()
                .orElseThrow(() -> new WrongOptionException("chip=" + label + ": give 6864, 6865, 6868 or 6869"));
    }

    private static boolean isPal(@Nullable String standard) throws WrongOptionException {
        if (standard == null || standard.equals("ntsc")) return false;
        if (standard.equals("pal")) return true;
        throw new WrongOptionException("standard=" + standard + ": give ntsc or pal");
    }
}
