package sluice.vdev.cli;

import java.io.IOException;
import java.util.List;

import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** The grabber among other devices; its options are those of {@code sluice grabber}. */
public final class GrabberDeviceProvider implements DeviceProvider {
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
        return CommandOptions.of(new GrabberCommand());
    }

    @Override
    public ProvidedDevice create(DeviceOptions options) throws IOException, WrongOptionException {
        GrabberCommand command = new GrabberCommand();
        return new ProvidedDevice.Wired(CommandOptions.apply(command, options, command::wiring));
    }
}
