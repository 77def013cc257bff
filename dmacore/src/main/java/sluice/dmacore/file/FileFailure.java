package sluice.dmacore.file;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Why an access to a file failed, for users: the message of some exceptions is a bare path, of others no sentence. */
public final class FileFailure {
    private FileFailure() {}

    /** The reason, with the path where the exception has one. */
    public static String reason(IOException failure) {
        return switch (failure) {
            case NoSuchFileException none -> "no such file or folder: " + none.getFile();
            case AccessDeniedException denied -> "permission denied: " + denied.getFile();
            case FileAlreadyExistsException there -> "it exists already: " + there.getFile();
            case NotDirectoryException file -> "not a folder: " + file.getFile();
            case DirectoryNotEmptyException folder -> "the folder is not empty: " + folder.getFile();
            case CharacterCodingException _ -> "not a text in UTF-8";
            default -> {
                String message = failure.getMessage();
                yield message == null ? failure.toString() : message;
            }
        };
    }
}
