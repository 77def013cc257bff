package sluice.vdev.grabber;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.video.ExportedPicture;
import sluice.vdev.video.SourceOptions;

/** The provider of the grabber. */
public final class GrabberProvider implements DeviceProvider {
    private static final int MOST_FRAMES = 1000;

    @Override
    public String name() {
        return "grabber";
    }

    @Override
    public String description() {
        return "A frame grabber (DT3155, grey, 768x576 or 640x480).";
    }

    @Override
    public List<DeviceOption> options() {
        return Stream.concat(SourceOptions.all().stream(),
                Stream.of(new DeviceOption("fps", "N", "Pictures per second, 1 to 1000 (default 25)."),
                        ExportedPicture.OPTION))
                .toList();
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        int framesPerSecond = (int) options.number("fps", 25, 1, MOST_FRAMES);
        Grabber grabber = new Grabber(SourceOptions.open(options, environment), framesPerSecond);
        grabber.export(ExportedPicture.of(options, environment, grabber.config()));
        grabber.register(environment.report());
        return new ProvidedDevice.Function(grabber);
    }
}
