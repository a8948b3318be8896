// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CreateMemoryResourceNotification and QueryMemoryResourceNotification. Nothing is
 * watched between queries: each one looks at the kernel's files.
 */
#include <errno.h>
#include <stdlib.h>

#include <winmem.h>

#include "error.h"
#include "handle.h"
#include "pressure.h"
#include "proc.h"

struct notification {
	struct winmem_object object;
	MEMORY_RESOURCE_NOTIFICATION_TYPE type;
};

static void notification_destroy(struct winmem_object *object)
{
	free((struct notification *)object);
}

static int notification_create(MEMORY_RESOURCE_NOTIFICATION_TYPE type, HANDLE *handle)
{
	struct notification *notification;
	int ret;

	if (type != LowMemoryResourceNotification && type != HighMemoryResourceNotification)
		return EINVAL;
	notification = malloc(sizeof(*notification));
	if (!notification)
		return ENOMEM;
	winmem_object_init(&notification->object, WINMEM_OBJECT_NOTIFICATION,
			   notification_destroy);
	notification->type = type;
	ret = winmem_handle_open(&notification->object, handle);
	if (ret)
		winmem_object_put(&notification->object);
	return ret;
}

WINMEM_API HANDLE WINAPI
CreateMemoryResourceNotification(MEMORY_RESOURCE_NOTIFICATION_TYPE NotificationType)
{
	HANDLE handle = NULL;
	int saved = errno, ret;

	ret = notification_create(NotificationType, &handle);
	errno = saved;
	winmem_error_set(ret);
	return handle;
}

static int notification_look(const struct notification *notification, BOOL *state)
{
	char meminfo[4096], pressure[512];

	winmem_proc_read("/proc/meminfo", meminfo, sizeof(meminfo));
	winmem_proc_read("/proc/pressure/memory", pressure, sizeof(pressure));
	/* No /proc: nobody knows. */
	if (!*meminfo)
		return ENOSYS;
	*state = notification->type == LowMemoryResourceNotification ?
		 winmem_pressure_is_low(meminfo, pressure) :
		 winmem_pressure_is_high(meminfo, pressure);
	return 0;
}

static int notification_query(HANDLE handle, BOOL *state)
{
	struct winmem_object *object;
	int ret;

	if (!handle || handle == INVALID_HANDLE_VALUE || !state)
		return EINVAL;
	object = winmem_handle_get(handle, WINMEM_OBJECT_NOTIFICATION);
	if (!object)
		return EBADF;
	ret = notification_look((struct notification *)object, state);
	winmem_object_put(object);
	return ret;
}

WINMEM_API BOOL WINAPI QueryMemoryResourceNotification(HANDLE ResourceNotificationHandle,
						       PBOOL ResourceState)
{
	int saved = errno, ret;

	ret = notification_query(ResourceNotificationHandle, ResourceState);
	errno = saved;
	return winmem_error_set(ret);
}
