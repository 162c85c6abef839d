/*
 * A Vulkan layer that turns the recording of commands into nothing.
 *
 * Mesa's AMD driver can pretend to sit on any of its GPUs (RADV_FORCE_FAMILY) and then compiles shaders to that GPU's
 * machine code, with no GPU at hand. But opening a WebGPU device also records a few commands, and recording crashes on
 * such null hardware from GFX9 on (Mesa 25.0.7). With this layer in between only the compiler is left.
 *
 * It declares the few pieces of the loader's interface (vk_layer.h) that it needs, so that no Vulkan headers have to be
 * installed. Built by layer.ts.
 */
#include <stdint.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*GetProc)(void *object, const char *name);

/* VkLayerInstanceLink and VkLayerDeviceLink: what stands below this layer. The device's has a second entry. */
typedef struct Link {
  struct Link *next;
  GetProc getInstanceProc;
  GetProc getDeviceProc;
} Link;

/* VkLayerInstanceCreateInfo and VkLayerDeviceCreateInfo; any structure of a pNext chain begins with the first two. */
typedef struct CreateInfo {
  int32_t type;
  const struct CreateInfo *next;
  int32_t function;
  Link *link;
} CreateInfo;

/* VkNegotiateLayerInterface */
typedef struct Negotiation {
  int32_t type;
  void *next;
  uint32_t version;
  GetProc getInstanceProc;
  GetProc getDeviceProc;
  Function getPhysicalDeviceProc;
} Negotiation;

enum { INSTANCE_CREATE_INFO = 47, DEVICE_CREATE_INFO = 48, LINK_INFO = 0, INTERFACE_VERSION = 2 };

typedef int32_t (*CreateInstance)(const CreateInfo *info, const void *allocator, void **instance);
typedef int32_t (*CreateDevice)(void *gpu, const CreateInfo *info, const void *allocator, void **device);

static GetProc nextInstanceProc;
static GetProc nextDeviceProc;
static void *theInstance;

/* Takes the link to the layer below out of the chain of a create call, and moves the chain on for that layer. */
static Link *takeLink(const CreateInfo *info, int32_t type) {
  for (CreateInfo *one = (CreateInfo *)info->next; one; one = (CreateInfo *)one->next) {
    if (one->type != type || one->function != LINK_INFO) continue;
    Link *link = one->link;
    one->link = link->next;
    return link;
  }
  return 0;
}

static int32_t createInstance(const CreateInfo *info, const void *allocator, void **instance) {
  Link *link = takeLink(info, INSTANCE_CREATE_INFO);
  if (!link) return -3; /* VK_ERROR_INITIALIZATION_FAILED */
  nextInstanceProc = link->getInstanceProc;
  CreateInstance create = (CreateInstance)nextInstanceProc(0, "vkCreateInstance");
  int32_t result = create(info, allocator, instance);
  theInstance = *instance;
  return result;
}

static int32_t createDevice(void *gpu, const CreateInfo *info, const void *allocator, void **device) {
  Link *link = takeLink(info, DEVICE_CREATE_INFO);
  if (!link) return -3;
  nextDeviceProc = link->getDeviceProc;
  CreateDevice create = (CreateDevice)link->getInstanceProc(theInstance, "vkCreateDevice");
  return create(gpu, info, allocator, device);
}

/* Stands for every vkCmd...: arguments stay unread, VK_SUCCESS where a result is wanted. */
static int32_t nothing(void) { return 0; }

static int records(const char *name) {
  return !strncmp(name, "vkCmd", 5) || !strcmp(name, "vkBeginCommandBuffer") || !strcmp(name, "vkEndCommandBuffer");
}

static Function deviceProc(void *device, const char *name) {
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (Function)deviceProc;
  if (records(name)) return (Function)nothing;
  return nextDeviceProc(device, name);
}

static Function instanceProc(void *instance, const char *name) {
  if (!strcmp(name, "vkGetInstanceProcAddr")) return (Function)instanceProc;
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (Function)deviceProc;
  if (!strcmp(name, "vkCreateInstance")) return (Function)createInstance;
  if (!strcmp(name, "vkCreateDevice")) return (Function)createDevice;
  if (records(name)) return (Function)nothing;
  return nextInstanceProc ? nextInstanceProc(instance, name) : 0;
}

int32_t vkNegotiateLoaderLayerInterfaceVersion(Negotiation *with) {
  if (with->version > INTERFACE_VERSION) with->version = INTERFACE_VERSION;
  with->getInstanceProc = instanceProc;
  with->getDeviceProc = deviceProc;
  with->getPhysicalDeviceProc = 0;
  return 0;
}
