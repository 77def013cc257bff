package sluice.vdev.io;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;

/** A secret in a file, which whoever connects must know. */
public final class AccessToken {
    private static final int RANDOM_BYTES = 18;
    private static final int MOST_BYTES = 4096;
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9_-]{16,128}");

    private final String text;

    private AccessToken(String text) {
        this.text = text;
    }

    /** A random one, of 144 bits. */
    public static AccessToken random() {
        byte[] bytes = new byte[RANDOM_BYTES];
        new SecureRandom().nextBytes(bytes);
        return new AccessToken(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
    }

    /**
     * That in a file, without the blanks around it.
     *
     * @throws IOException the file cannot be read, or has no token: 16 to 128 letters, digits, hyphens and underscores
     */
    public static AccessToken of(Path file) throws IOException {
        if (!Files.isRegularFile(file))
            throw new IOException(file + (Files.exists(file) ? " is not a regular file" : ": no such file"));
        if (Files.size(file) > MOST_BYTES) throw new IOException(file + " has no token: it is too long");
        String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).strip();
        if (!FORM.matcher(text).matches())
            throw new IOException(
                    file + " has no token: write 16 to 128 letters, digits, hyphens and underscores into it");
        return new AccessToken(text);
    }

    /** In a time that does not tell how much of it is right. */
    public boolean is(String given) {
        return MessageDigest.isEqual(text.getBytes(StandardCharsets.ISO_8859_1),
                given.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** For the address of the page. */
    public String text() {
        return text;
    }
}
