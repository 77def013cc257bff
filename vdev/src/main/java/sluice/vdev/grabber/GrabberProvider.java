package sluice.vdev.grabber;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** The grabber among other devices. */
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
        return List.of(new DeviceOption("pattern", "", "Show a moving test pattern (default)."),
                new DeviceOption("file", "FILE",
                        "Show the pictures of this file in a loop: YUV4MPEG2 (.y4m), or raw grey of 768x576."),
                new DeviceOption("fps", "N", "Pictures per second, 1 to 1000 (default 25)."));
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        int framesPerSecond = (int) options.number("fps", 25, 1, MOST_FRAMES);
        Path file = options.path("file");
        if (file != null && options.isGiven("pattern"))
            throw new WrongOptionException("pattern and file=FILE: give one of them");
        Grabber grabber = new Grabber(file == null ? new TestPattern() : FrameFile.open(file), framesPerSecond);
        grabber.register(environment.report());
        return new ProvidedDevice.Function(grabber);
    }
}
