package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import sluice.vdev.serve.DeviceCatalog;

/** A card of a plug-in: {@code JAR[:NAME][,OPTION=VALUE...]}. */
final class PluginCard {
    private PluginCard() {}

    /**
     * @param driver of the card, loaded unless it is a module of the user; empty for none
     * @param own modules of the user's
     * @throws IOException the jar is not a plug-in, lacks the device, or has several and none is selected
     */
    static Card of(String argument, String driver, List<Path> own) throws IOException {
        List<String> words = List.of(argument.split("(?<!,),(?!,)"));
        String where = words.getFirst();
        int colon = where.lastIndexOf(".jar:");
        Path jar = Path.of(colon < 0 ? where : where.substring(0, colon + 4)).toAbsolutePath();
        List<String> names = DeviceCatalog.of(List.of(jar)).namesOf(jar);
        String name = colon < 0 ? names.getFirst() : where.substring(colon + 5);
        if (colon < 0 ? names.size() > 1 : !names.contains(name))
            throw new IOException(
                    "--device=%s: give %s:NAME with one of the devices of this jar: %s".formatted(argument,
                            jar.getFileName(), String.join(", ", names)));
        String module = driver.replace('-', '_');
        boolean isOwn = own.stream().anyMatch(
                file -> String.valueOf(file.getFileName()).replace('-', '_').equals(module + ".ko"));
        return new Card(driver, name, words.subList(1, words.size()),
                driver.isEmpty() || isOwn ? List.of() : List.of(driver),
                "", true, Role.CAPTURE, jar);
    }
}
